//! Evaluates an expression, by the rules of Terraform's language. Names are looked up through [`Names`].
//!
//! `check` refuses `for`, splats, `%{ }` and `~` in templates, and functions that `functions` does not have, before
//! anything is evaluated, also in branches that are not taken.
//! As in Terraform 1.12 and later, `&&` and `||` do not look at their right side when the left one decides.
//! What is made of something unknown is unknown; what is wrong beside it is found all the same.

use std::collections::BTreeMap;

use hcl::edit::{
    expr::{
        BinaryOp, BinaryOperator as Op, Conditional, Expression, Object, ObjectKey, Traversal,
        TraversalOperator, UnaryOp, UnaryOperator,
    },
    template::{Element, Template},
};

use super::{
    fault::Fault,
    functions,
    source::Expr,
    value::{Type, Value, number},
};

/// What a name stands for: `var.x`, `local.x`, `aws_kinesis_stream.x`.
pub(super) trait Names<'a> {
    fn resolve(&self, at: Expr<'a>, root: &str, name: &'a str) -> Result<Value, Fault>;
}

/// Where nothing may be referred to: defaults and files of values.
struct NoNames;

impl<'a> Names<'a> for NoNames {
    fn resolve(&self, at: Expr<'a>, root: &str, name: &'a str) -> Result<Value, Fault> {
        Err(at.fault(format!("`{root}.{name}`: nothing can be referred to here")))
    }
}

/// The value of an expression that refers to nothing.
pub(super) fn constant(at: Expr<'_>) -> Result<Value, Fault> {
    eval(at, &NoNames)
}

pub(super) fn eval<'a>(at: Expr<'a>, names: &impl Names<'a>) -> Result<Value, Fault> {
    match at.expr {
        Expression::Null(_) => Ok(Value::Null),
        Expression::Bool(b) => Ok(Value::Bool(*b.value())),
        Expression::Number(n) => exact(at, n.value().as_f64().unwrap_or(f64::NAN)),
        Expression::String(text) => Ok(Value::String(text.value().clone())),
        Expression::Array(items) => {
            let items: Result<_, _> = items.iter().map(|item| eval(at.with(item), names)).collect();
            Ok(Value::List(items?))
        }
        Expression::Object(object) => eval_object(at, object, names),
        Expression::StringTemplate(template) => match template.as_single_element() {
            // `"${x}"` is x itself, whatever its type.
            Some(Element::Interpolation(x)) => eval(at.with(&x.expr), names),
            _ => eval_template(at, template, names),
        },
        Expression::HeredocTemplate(heredoc) => eval_template(at, &heredoc.template, names),
        Expression::Parenthesis(inner) => eval(at.with(inner.inner()), names),
        Expression::Conditional(conditional) => eval_conditional(at, conditional, names),
        Expression::UnaryOp(operation) => eval_unary(at, operation, names),
        Expression::BinaryOp(operation) => eval_binary(at, operation, names),
        Expression::Traversal(traversal) => eval_traversal(at, traversal, names),
        Expression::FuncCall(call) => {
            let arguments: Result<Vec<Value>, Fault> =
                call.args.iter().map(|argument| eval(at.with(argument), names)).collect();
            functions::call(at, call.name.name.as_str(), &arguments?)
        }
        Expression::Variable(name) => {
            let name = name.as_str();
            Err(at.fault(format!("`{name}` names nothing; a string stands in quotes")))
        }
        Expression::ForExpr(_) => Err(at.fault("`for` is not read by --apply")),
    }
}

/// The value of an expression, as a type. `null` stays `null`.
pub(super) fn eval_as<'a>(at: Expr<'a>, of: &Type, names: &impl Names<'a>) -> Result<Value, Fault> {
    eval(at, names)?.convert(of).map_err(|why| at.fault(why))
}

/// The value of an expression, as a type and not `null`.
fn operand<'a>(at: Expr<'a>, of: &Type, names: &impl Names<'a>) -> Result<Value, Fault> {
    match eval_as(at, of, names)? {
        Value::Null => Err(at.fault(format!("{of} is wanted, this is null"))),
        value => Ok(value),
    }
}

fn eval_object<'a>(
    at: Expr<'a>,
    object: &'a Object,
    names: &impl Names<'a>,
) -> Result<Value, Fault> {
    let (mut items, mut unknown) = (BTreeMap::new(), None);
    for (key, value) in object {
        let key = match key {
            ObjectKey::Ident(name) => Value::string(name.as_str()),
            ObjectKey::Expression(key @ Expression::Traversal(_)) => {
                let reason = "a key that refers to something stands in parentheses: (var.x)";
                return Err(at.with(key).fault(reason));
            }
            ObjectKey::Expression(key) => operand(at.with(key), &Type::String, names)?,
        };
        let value = eval(at.with(value.expr()), names)?;
        match key {
            Value::String(key) => drop(items.insert(key, value)),
            key => unknown = Some(key),
        }
    }
    Ok(unknown.unwrap_or(Value::Map(items)))
}

fn eval_conditional<'a>(
    at: Expr<'a>,
    conditional: &'a Conditional,
    names: &impl Names<'a>,
) -> Result<Value, Fault> {
    let yes = at.with(&conditional.true_expr);
    let no = at.with(&conditional.false_expr);
    let (taken, other) = match operand(at.with(&conditional.cond_expr), &Type::Bool, names)? {
        Value::Bool(true) => (yes, no),
        Value::Bool(false) => (no, yes),
        unknown => return Ok(unknown),
    };

    // The branch not taken decides the type too; what is wrong in it is not looked at.
    let taken = eval(taken, names)?;
    let Ok(other) = eval(other, names) else { return Ok(taken) };
    match (&taken, &other) {
        (Value::Null | Value::Unknown(_), _) | (_, Value::Null | Value::Unknown(_)) => Ok(taken),
        (Value::List(_) | Value::Set(_), Value::Set(_)) => {
            taken.convert(&Type::Set(Box::new(Type::Any))).map_err(|why| at.fault(why))
        }
        _ if taken.kind() == other.kind() || matches!(taken, Value::Set(_)) => Ok(taken),
        (_, Value::String(_)) if taken.is_primitive() => {
            taken.into_text().map(Value::String).map_err(|why| at.fault(why))
        }
        (Value::String(_), other) if other.is_primitive() => Ok(taken),
        (taken, other) => {
            let (taken, other) = (taken.kind(), other.kind());
            Err(at.fault(format!("the two results are {taken} and {other}; they must be alike")))
        }
    }
}

fn eval_unary<'a>(
    at: Expr<'a>,
    operation: &'a UnaryOp,
    names: &impl Names<'a>,
) -> Result<Value, Fault> {
    let of = match operation.operator.value() {
        UnaryOperator::Not => Type::Bool,
        UnaryOperator::Neg => Type::Number,
    };
    match operand(at.with(&operation.expr), &of, names)? {
        Value::Bool(b) => Ok(Value::Bool(!b)),
        Value::Number(n) => exact(at, -n),
        unknown => Ok(unknown),
    }
}

fn eval_binary<'a>(
    at: Expr<'a>,
    operation: &'a BinaryOp,
    names: &impl Names<'a>,
) -> Result<Value, Fault> {
    let (left, right) = (at.with(&operation.lhs_expr), at.with(&operation.rhs_expr));
    let operator = *operation.operator.value();
    match operator {
        Op::And | Op::Or => match operand(left, &Type::Bool, names)? {
            Value::Bool(b) if b == (operator == Op::Or) => Ok(Value::Bool(b)),
            Value::Bool(_) => operand(right, &Type::Bool, names),
            unknown => operand(right, &Type::Bool, names).and(Ok(unknown)),
        },
        Op::Eq | Op::NotEq => match equal(at, &eval(left, names)?, &eval(right, names)?)? {
            Value::Bool(same) => Ok(Value::Bool(same == (operator == Op::Eq))),
            unknown => Ok(unknown),
        },
        _ => {
            let left = operand(left, &Type::Number, names)?;
            match (left, operand(right, &Type::Number, names)?) {
                (Value::Number(left), Value::Number(right)) => calculate(at, operator, left, right),
                (Value::Number(_), unknown) | (unknown, _) => Ok(unknown),
            }
        }
    }
}

fn calculate(at: Expr<'_>, operator: Op, left: f64, right: f64) -> Result<Value, Fault> {
    match operator {
        Op::LessEq => Ok(Value::Bool(left <= right)),
        Op::GreaterEq => Ok(Value::Bool(left >= right)),
        Op::Less => Ok(Value::Bool(left < right)),
        Op::Greater => Ok(Value::Bool(left > right)),
        Op::Div | Op::Mod if right == 0.0 => Err(at.fault("division by zero")),
        Op::Plus => counted(at, left + right),
        Op::Minus => counted(at, left - right),
        Op::Mul => counted(at, left * right),
        Op::Div => counted(at, left / right),
        _ => counted(at, left % right),
    }
}

/// The result of arithmetic: binary fractions would be rounded otherwise than Terraform's, so there are none.
fn counted(at: Expr<'_>, result: f64) -> Result<Value, Fault> {
    if result.fract() != 0.0 {
        return Err(at.fault("arithmetic is read by --apply only where its result is whole"));
    }
    exact(at, result)
}

fn exact(at: Expr<'_>, n: f64) -> Result<Value, Fault> {
    number(n).map_err(|why| at.fault(why))
}

/// A bool, or what is not known yet.
pub(super) fn equal(at: Expr<'_>, left: &Value, right: &Value) -> Result<Value, Fault> {
    match (left, right) {
        (unknown @ Value::Unknown(_), _) | (_, unknown @ Value::Unknown(_)) => Ok(unknown.clone()),
        (Value::Null, _) | (_, Value::Null) => Ok(Value::Bool(left == right)),
        _ if left.is_primitive() && right.is_primitive() => Ok(Value::Bool(left == right)),
        // In Terraform `var.list == ["a"]` is never true (a list is no tuple), which nobody means.
        _ => Err(at.fault("lists, sets and maps are not compared by --apply")),
    }
}

fn eval_traversal<'a>(
    at: Expr<'a>,
    traversal: &'a Traversal,
    names: &impl Names<'a>,
) -> Result<Value, Fault> {
    let mut operators = traversal.operators.iter().map(|operator| operator.value());
    let mut value = match &traversal.expr {
        Expression::Variable(root) => match operators.next() {
            Some(TraversalOperator::GetAttr(name)) => names.resolve(at, root.as_str(), name)?,
            _ => return Err(at.fault(format!("`{}` wants a name behind it", root.as_str()))),
        },
        expr => eval(at.with(expr), names)?,
    };
    for operator in operators {
        value = match operator {
            TraversalOperator::GetAttr(name) => member(value, Value::string(name.as_str())),
            TraversalOperator::LegacyIndex(n) => member(value, Value::Number(*n.value() as f64)),
            TraversalOperator::Index(index) => member(value, eval(at.with(index), names)?),
            TraversalOperator::AttrSplat(_) | TraversalOperator::FullSplat(_) => {
                Err("`*` is not read by --apply".to_owned())
            }
        }
        .map_err(|why| at.fault(why))?;
    }
    Ok(value)
}

/// `value[key]`, `value.key`.
fn member(value: Value, key: Value) -> Result<Value, String> {
    let kind = value.kind();
    let shown = key.to_string();
    let found = match (value, key) {
        (unknown @ Value::Unknown(_), _) | (_, unknown @ Value::Unknown(_)) => Some(unknown),
        (Value::Map(mut items), key) => items.remove(&key.into_text()?),
        (Value::List(items), key) => match key.convert(&Type::Number)? {
            Value::Number(n) if n >= 0.0 && n.fract() == 0.0 => items.into_iter().nth(n as usize),
            _ => None,
        },
        _ => return Err(format!("{kind} has no members to ask for")),
    };
    found.ok_or_else(|| format!("this is {kind} that has no {shown}"))
}

fn eval_template<'a>(
    at: Expr<'a>,
    template: &'a Template,
    names: &impl Names<'a>,
) -> Result<Value, Fault> {
    let (mut text, mut unknown) = (String::new(), None);
    for element in template {
        match element {
            Element::Literal(literal) => text.push_str(literal.value()),
            Element::Interpolation(x) => match operand(at.with(&x.expr), &Type::String, names)? {
                Value::String(part) => text.push_str(&part),
                part => unknown = Some(part),
            },
            Element::Directive(_) => return Err(at.fault("`%{ }` is not read by --apply")),
        }
    }
    Ok(unknown.unwrap_or(Value::String(text)))
}

#[cfg(test)]
mod tests {
    use hcl::edit::parser;

    use super::*;
    use crate::apply::source::File;

    /// `c.name` is known, `c.arn` is not yet.
    struct Names;

    impl<'a> super::Names<'a> for Names {
        fn resolve(&self, _: Expr<'a>, _: &str, name: &'a str) -> Result<Value, Fault> {
            Ok(match name {
                "name" => Value::string("n"),
                _ => Value::Unknown("c".to_owned()),
            })
        }
    }

    /// The value as a person sees it, or what is wrong with it.
    fn shown(text: &str) -> String {
        let file = File::parse("x".to_owned(), String::new()).unwrap();
        let expr = parser::parse_expr(text).unwrap();
        match eval(Expr { file: &file, expr: &expr }, &Names) {
            Ok(value) => value.to_string(),
            Err(fault) => fault.reason,
        }
    }

    #[test]
    fn what_is_made_of_something_unknown_is_unknown() {
        for unknown in [
            "c.arn",
            "\"${c.arn}\"",
            "\"${c.name} of ${c.arn}\"",
            "c.arn.part[0]",
            "[1, 2][c.arn]",
            "{ (c.arn) = 1 }",
            "c.arn == \"x\"",
            "c.arn != null",
            "!(c.arn == \"x\")",
            "-length(c.arn) + 1",
            "1 < length(c.arn)",
            "c.arn == \"x\" || true",
            "true && c.arn == \"x\"",
            "c.arn == \"x\" ? 1 : 2",
            "c.name == \"n\" ? c.arn : c.name",
            "contains([c.arn, \"m\"], c.name)",
            "contains([\"m\"], c.arn)",
            "jsonencode({ a = [c.arn] })",
        ] {
            assert_eq!(shown(unknown), "(known after apply)", "{unknown}");
        }
    }

    #[test]
    fn what_needs_nothing_unknown_is_known() {
        for (text, value) in [
            ("[c.name, c.arn]", "[\"n\", (known after apply)]"),
            ("[c.name, c.arn][0]", "\"n\""),
            ("{ a = 1, b = c.arn }.a", "1"),
            ("length([c.arn, c.arn])", "2"),
            ("contains([c.arn, c.name], \"n\")", "true"),
            ("c.name == \"n\" || c.arn == \"x\"", "true"),
            ("c.name == \"m\" && c.arn == \"x\"", "false"),
            ("c.name == \"n\" ? c.name : c.arn", "\"n\""),
        ] {
            assert_eq!(shown(text), value, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_beside_something_unknown_is_found() {
        for (text, reason) in [
            ("\"${c.arn}${[]}\"", "a string is wanted, this is a list"),
            ("c.arn == \"x\" && 5", "a bool is wanted, this is a number"),
            ("{ (c.arn) = 1 / 0 }", "division by zero"),
            (
                "jsonencode([c.arn, length(5)])",
                "`length(…)` is not read by --apply with these arguments",
            ),
        ] {
            assert_eq!(shown(text), reason, "{text}");
        }
    }
}
