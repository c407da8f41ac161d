//! What must hold in every expression of a module, whether its value is needed or not: nothing in it that `--apply`
//! does not read, and every name that it refers to exists.

use hcl::edit::{
    Decorated, Span,
    expr::{Expression, ForExpr, FuncCall, Splat, Traversal, TraversalOperator},
    template::{Directive, HeredocTemplate, Interpolation, Strip},
    visit::{self, Visit},
};

use super::{
    fault::Faults,
    functions,
    module::Module,
    resource::{Address, Kind},
    source::{Expr, File},
};

pub(super) fn check(module: &Module<'_>, faults: &mut Faults) {
    for Expr { file, expr } in module.expressions() {
        Checker { module, file, faults }.visit_expr(expr);
    }
}

struct Checker<'a> {
    module: &'a Module<'a>,
    file: &'a File,
    faults: &'a mut Faults,
}

impl Checker<'_> {
    fn fault(&mut self, at: &impl Span, reason: String) {
        self.faults.push(self.file.fault(at, reason));
    }

    fn reference(&mut self, at: &Traversal, root: &str, name: &str) {
        let module = self.module;
        let (what, known) = match (root, Kind::named(root)) {
            ("var", _) => ("variable", module.variables.contains_key(name)),
            ("local", _) => ("local", module.locals.contains_key(name)),
            (_, Some(kind)) => {
                (root, module.resources.contains_key(&Address { kind, label: name }))
            }
            _ => return self.fault(at, format!("`{root}.{name}` is not read by --apply")),
        };
        if !known {
            self.fault(at, format!("the module has no {what} \"{name}\""));
        }
    }
}

impl Visit for Checker<'_> {
    fn visit_traversal(&mut self, node: &Traversal) {
        match (&node.expr, node.operators.first().map(|first| first.value())) {
            (Expression::Variable(root), Some(TraversalOperator::GetAttr(name))) => {
                self.reference(node, root.as_str(), name.as_str());
                node.operators.iter().for_each(|operator| self.visit_traversal_operator(operator));
            }
            _ => visit::visit_traversal(self, node),
        }
    }

    fn visit_func_call(&mut self, node: &FuncCall) {
        let name = node.name.name.as_str();
        if node.name.is_namespaced() || !functions::exists(name) || node.args.expand_final() {
            self.fault(node, format!("the function `{name}` is not read by --apply"));
        }
        visit::visit_func_call(self, node);
    }

    fn visit_for_expr(&mut self, node: &ForExpr) {
        self.fault(node, "`for` is not read by --apply".to_owned());
    }

    // Where the parser takes a heredoc otherwise than HCL does.
    fn visit_heredoc_template(&mut self, node: &HeredocTemplate) {
        let mut lines = self.file.text_of(node).lines();
        let indented = lines.next().is_some_and(|line| line.starts_with("<<-"));
        let lines: Vec<&str> = lines.collect();
        if lines.first().is_some_and(|line| line.trim() == node.delimiter.as_str()) {
            self.fault(node, "an empty heredoc is not read by --apply".to_owned());
        }
        if indented && lines.iter().any(|line| !line.is_empty() && line.trim().is_empty()) {
            let reason = "a line of nothing but spaces in a `<<-` heredoc is not read by --apply";
            self.fault(node, reason.to_owned());
        }
        visit::visit_heredoc_template(self, node);
    }

    // The parser leaves escapes and indentation inside of directives as they are; HCL does not.
    fn visit_directive(&mut self, node: &Directive) {
        let (Directive::If(_) | Directive::For(_)) = node;
        self.fault(node, "`%{ }` in a template is not read by --apply".to_owned());
    }

    // In a heredoc HCL takes away the rest of the line, in a string all space: better not to guess.
    fn visit_interpolation(&mut self, node: &Interpolation) {
        if node.strip != Strip::None {
            self.fault(node, "`~` in a template is not read by --apply".to_owned());
        }
        visit::visit_interpolation(self, node);
    }

    fn visit_splat(&mut self, node: &Decorated<Splat>) {
        self.fault(node, "`*` is not read by --apply".to_owned());
    }
}
