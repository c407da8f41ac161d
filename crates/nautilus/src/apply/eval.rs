//! Evaluates an expression, by the rules of Terraform's language. Names are looked up through [`Names`].
//!
//! Functions are `contains` and `length`, which validation rules need; `check` refuses all others, `for`, splats,
//! `%{ }` and `~` in templates before anything is evaluated, also in branches that are not taken.
//! As in Terraform 1.12 and later, `&&` and `||` do not look at their right side when the left one decides.

use std::collections::BTreeMap;

use hcl::edit::{
    expr::{
        BinaryOp, BinaryOperator as Op, Conditional, Expression, FuncCall, Object, ObjectKey,
        Traversal, TraversalOperator, UnaryOperator,
    },
    template::{Element, Template},
};

use super::{
    fault::Fault,
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
        Expression::UnaryOp(operation) => {
            let operand = at.with(&operation.expr);
            match operation.operator.value() {
                UnaryOperator::Not => Ok(Value::Bool(!eval_bool(operand, names)?)),
                UnaryOperator::Neg => exact(at, -eval_number(operand, names)?),
            }
        }
        Expression::BinaryOp(operation) => eval_binary(at, operation, names),
        Expression::Traversal(traversal) => eval_traversal(at, traversal, names),
        Expression::FuncCall(call) => eval_call(at, call, names),
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

fn eval_bool<'a>(at: Expr<'a>, names: &impl Names<'a>) -> Result<bool, Fault> {
    match eval_as(at, &Type::Bool, names)? {
        Value::Bool(b) => Ok(b),
        _ => Err(at.fault("a bool is wanted, this is null")),
    }
}

fn eval_number<'a>(at: Expr<'a>, names: &impl Names<'a>) -> Result<f64, Fault> {
    match eval_as(at, &Type::Number, names)? {
        Value::Number(n) => Ok(n),
        _ => Err(at.fault("a number is wanted, this is null")),
    }
}

fn eval_text<'a>(at: Expr<'a>, names: &impl Names<'a>) -> Result<String, Fault> {
    eval(at, names)?.into_text().map_err(|why| at.fault(why))
}

fn eval_object<'a>(
    at: Expr<'a>,
    object: &'a Object,
    names: &impl Names<'a>,
) -> Result<Value, Fault> {
    let mut items = BTreeMap::new();
    for (key, value) in object {
        let key = match key {
            ObjectKey::Ident(name) => name.as_str().to_owned(),
            ObjectKey::Expression(key @ Expression::Traversal(_)) => {
                let reason = "a key that refers to something stands in parentheses: (var.x)";
                return Err(at.with(key).fault(reason));
            }
            ObjectKey::Expression(key) => eval_text(at.with(key), names)?,
        };
        items.insert(key, eval(at.with(value.expr()), names)?);
    }
    Ok(Value::Map(items))
}

fn eval_conditional<'a>(
    at: Expr<'a>,
    conditional: &'a Conditional,
    names: &impl Names<'a>,
) -> Result<Value, Fault> {
    let condition = eval_bool(at.with(&conditional.cond_expr), names)?;
    let yes = at.with(&conditional.true_expr);
    let no = at.with(&conditional.false_expr);
    let (taken, other) = if condition { (yes, no) } else { (no, yes) };

    // The branch not taken decides the type too; what is wrong in it is not looked at.
    let taken = eval(taken, names)?;
    let Ok(other) = eval(other, names) else { return Ok(taken) };
    match (&taken, &other) {
        (Value::Null, _) | (_, Value::Null) => Ok(taken),
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

fn eval_binary<'a>(
    at: Expr<'a>,
    operation: &'a BinaryOp,
    names: &impl Names<'a>,
) -> Result<Value, Fault> {
    let (left, right) = (at.with(&operation.lhs_expr), at.with(&operation.rhs_expr));
    match *operation.operator.value() {
        Op::And => Ok(Value::Bool(eval_bool(left, names)? && eval_bool(right, names)?)),
        Op::Or => Ok(Value::Bool(eval_bool(left, names)? || eval_bool(right, names)?)),
        Op::Eq => Ok(Value::Bool(equal(at, &eval(left, names)?, &eval(right, names)?)?)),
        Op::NotEq => Ok(Value::Bool(!equal(at, &eval(left, names)?, &eval(right, names)?)?)),
        operator => {
            let (left, right) = (eval_number(left, names)?, eval_number(right, names)?);
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

fn equal(at: Expr<'_>, left: &Value, right: &Value) -> Result<bool, Fault> {
    // In Terraform `var.list == ["a"]` is never true (a list is no tuple), which nobody means.
    let comparable = |value: &Value| value.is_primitive();
    if matches!((left, right), (Value::Null, _) | (_, Value::Null)) {
        return Ok(left == right);
    }
    match comparable(left) && comparable(right) {
        true => Ok(left == right),
        false => Err(at.fault("lists, sets and maps are not compared by --apply")),
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
            TraversalOperator::GetAttr(name) => member(value, &Value::String(name.to_string())),
            TraversalOperator::LegacyIndex(n) => member(value, &Value::Number(*n.value() as f64)),
            TraversalOperator::Index(index) => member(value, &eval(at.with(index), names)?),
            TraversalOperator::AttrSplat(_) | TraversalOperator::FullSplat(_) => {
                Err("`*` is not read by --apply".to_owned())
            }
        }
        .map_err(|why| at.fault(why))?;
    }
    Ok(value)
}

/// `value[key]`, `value.key`.
fn member(value: Value, key: &Value) -> Result<Value, String> {
    let kind = value.kind();
    let found = match value {
        Value::Map(mut items) => items.remove(&key.clone().into_text()?),
        Value::List(items) => match key.clone().convert(&Type::Number)? {
            Value::Number(n) if n >= 0.0 && n.fract() == 0.0 => items.into_iter().nth(n as usize),
            _ => None,
        },
        _ => return Err(format!("{kind} has no members to ask for")),
    };
    found.ok_or_else(|| format!("this is {kind} that has no {key}"))
}

fn eval_call<'a>(at: Expr<'a>, call: &'a FuncCall, names: &impl Names<'a>) -> Result<Value, Fault> {
    let arguments: Result<Vec<Value>, Fault> =
        call.args.iter().map(|argument| eval(at.with(argument), names)).collect();
    match (call.name.name.as_str(), arguments?.as_slice()) {
        ("contains", [Value::List(items) | Value::Set(items), wanted]) => {
            for item in items {
                if equal(at, item, wanted)? {
                    return Ok(Value::Bool(true));
                }
            }
            Ok(Value::Bool(false))
        }
        ("length", [Value::List(items) | Value::Set(items)]) => {
            Ok(Value::Number(items.len() as f64))
        }
        ("length", [Value::Map(items)]) => Ok(Value::Number(items.len() as f64)),
        // Terraform counts what a person sees as one character; for ASCII these are bytes.
        ("length", [Value::String(text)]) if text.is_ascii() => {
            Ok(Value::Number(text.len() as f64))
        }
        (name, _) => {
            Err(at.fault(format!("`{name}(…)` is not read by --apply with these arguments")))
        }
    }
}

fn eval_template<'a>(
    at: Expr<'a>,
    template: &'a Template,
    names: &impl Names<'a>,
) -> Result<Value, Fault> {
    let mut text = String::new();
    for element in template {
        match element {
            Element::Literal(literal) => text.push_str(literal.value()),
            Element::Interpolation(x) => text.push_str(&eval_text(at.with(&x.expr), names)?),
            Element::Directive(_) => return Err(at.fault("`%{ }` is not read by --apply")),
        }
    }
    Ok(Value::String(text))
}
