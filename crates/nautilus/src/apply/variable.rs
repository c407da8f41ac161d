//! Input variables: their types, where their values come from, and the rules that they must keep.

use std::collections::BTreeMap;

use hcl::edit::{
    expr::{Expression, FuncCall},
    parser,
    structure::Structure,
};

use super::{
    Options,
    eval::constant,
    fault::{ApplyError, Fault, Faults, Place},
    fields::Fields,
    module::Module,
    scope::Scope,
    source::{Expr, File, Files},
    value::{Type, Value},
};

/// One `variable` block.
#[derive(Debug)]
pub(super) struct Variable<'a> {
    pub place: Place,
    pub validations: Vec<Validation<'a>>,
    of: Option<Type>,
    default: Option<Expr<'a>>,
    nullable: bool,
}

/// One `validation` block.
#[derive(Debug)]
pub(super) struct Validation<'a> {
    pub condition: Expr<'a>,
    pub message: Expr<'a>,
}

/// A value from outside of the module's files.
#[derive(Debug)]
pub(super) struct Given {
    place: Place,
    value: Value,
}

impl<'a> Variable<'a> {
    pub(super) fn read(mut fields: Fields<'a>, faults: &mut Faults) -> Variable<'a> {
        fields.take("description");
        let of = fields.take("type").and_then(|of| faults.keep(type_of(of)));
        let default = fields.take("default");
        if let Some(default) = default {
            faults.keep(constant(default));
        }
        let nullable = fields.literal_bool("nullable", faults).unwrap_or(true);

        let file = fields.file;
        let mut validations = Vec::new();
        for block in fields.blocks("validation") {
            let mut fields = Fields::of(file, block);
            let rule = (fields.take("condition"), fields.take("error_message"));
            match rule {
                (Some(condition), Some(message)) => {
                    validations.push(Validation { condition, message });
                }
                (None, _) => faults.push(fields.missing("condition")),
                (_, None) => faults.push(fields.missing("error_message")),
            }
            fields.finish(&[], faults);
        }
        let place = fields.place();
        fields.finish(&["ephemeral", "sensitive"], faults);
        Variable { place, validations, of, default, nullable }
    }

    /// The variable's value, of its type. Rules are checked apart from it: they refer to it.
    pub(super) fn value(&self, name: &str, scope: &Scope<'a>) -> Result<Value, Fault> {
        let default = || match self.default {
            Some(default) => match self.converted(scope.eval(default)?) {
                Ok(Value::Null) if !self.nullable => Err(default.fault("must not be null")),
                other => other.map_err(|why| default.fault(why)),
            },
            None => {
                Err(self.place.fault(format!("variable \"{name}\" has no value: --var {name}=…")))
            }
        };
        let Some(given) = scope.given.get(name) else { return default() };
        match self.converted(given.value.clone()) {
            Ok(Value::Null) if !self.nullable => default(),
            Ok(value) => Ok(value),
            Err(why) => Err(given.place.fault(format!("variable \"{name}\": {why}"))),
        }
    }

    fn converted(&self, value: Value) -> Result<Value, String> {
        match &self.of {
            Some(of) => value.convert(of),
            None => Ok(value),
        }
    }

    /// Checks the variable's rules.
    pub(super) fn validate(&self, name: &str, scope: &Scope<'a>) -> Result<(), Fault> {
        for rule in &self.validations {
            let condition = scope.known(rule.condition, &Type::Bool)?;
            if condition != Value::Bool(true) {
                let message = scope.known(rule.message, &Type::String)?;
                let message = message.into_text().unwrap_or_default();
                return Err(rule.condition.fault(format!("variable \"{name}\": {message}")));
            }
        }
        Ok(())
    }
}

/// The values given from outside, in Terraform's order: environment, `terraform.tfvars`, `*.auto.tfvars`, `--var`.
pub(super) fn given(
    options: &Options,
    files: &Files,
    module: &Module<'_>,
) -> Result<BTreeMap<String, Given>, ApplyError> {
    let mut given = BTreeMap::new();
    let mut faults = Faults::default();
    for (key, text) in &options.environment {
        // Terraform too overlooks a name in the environment that the module does not have.
        let name =
            key.strip_prefix("TF_VAR_").and_then(|name| module.variables.get_key_value(name));
        if let Some((name, variable)) = name {
            let value = text_value(variable, key, text);
            given.extend(faults.keep(value).map(|value| ((*name).to_owned(), value)));
        }
    }
    for file in &files.values {
        for structure in &file.body {
            let value = file_value(module, file, structure);
            given.extend(faults.keep(value));
        }
    }
    for argument in &options.vars {
        let value = argument_value(module, argument);
        given.extend(faults.keep(value));
    }
    faults.finish()?;
    Ok(given)
}

fn file_value(
    module: &Module<'_>,
    file: &File,
    structure: &Structure,
) -> Result<(String, Given), Fault> {
    let attribute = match structure {
        Structure::Attribute(attribute) => attribute,
        Structure::Block(block) => {
            let name = block.ident.as_str();
            return Err(file.fault(&block.ident, format!("`{name}`: a block does not belong here")));
        }
    };
    let name = attribute.key.as_str();
    if !module.variables.contains_key(name) {
        return Err(file.fault(&attribute.key, format!("the module has no variable \"{name}\"")));
    }
    let value = constant(Expr { file, expr: &attribute.value })?;
    Ok((name.to_owned(), Given { place: file.place(&attribute.key), value }))
}

fn argument_value(module: &Module<'_>, argument: &str) -> Result<(String, Given), Fault> {
    let source = format!("--var {argument}");
    let Some((name, text)) = argument.split_once('=') else {
        return Err(Fault::new(source, 0, "write it as `name=value`"));
    };
    let name = name.trim();
    match module.variables.get(name) {
        Some(variable) => Ok((name.to_owned(), text_value(variable, &source, text)?)),
        None => Err(Fault::new(source, 0, format!("the module has no variable \"{name}\""))),
    }
}

/// A value from a flag or the environment: plain text for a primitive type, an expression for all others.
fn text_value(variable: &Variable<'_>, source: &str, text: &str) -> Result<Given, Fault> {
    let place = Place::new(source, 0);
    let plain = matches!(variable.of, None | Some(Type::String | Type::Number | Type::Bool));
    if plain {
        return Ok(Given { place, value: Value::String(text.to_owned()) });
    }
    let expr = parser::parse_expr(text).map_err(|error| {
        place.fault(format!("the value cannot be read as HCL: {}", error.message()))
    })?;
    let file = File::parse(source.to_owned(), String::new())?;
    let value =
        constant(Expr { file: &file, expr: &expr }).map_err(|fault| place.fault(fault.reason))?;
    Ok(Given { place, value })
}

/// `string`, `list(string)` and so on.
fn type_of(of: Expr<'_>) -> Result<Type, Fault> {
    match of.expr {
        Expression::Variable(name) => match name.as_str() {
            "any" => Ok(Type::Any),
            "string" => Ok(Type::String),
            "number" => Ok(Type::Number),
            "bool" => Ok(Type::Bool),
            name => Err(of.fault(format!("`{name}` is not a type that --apply reads"))),
        },
        Expression::FuncCall(call) => match (call.name.name.as_str(), single(call)) {
            ("list", Some(item)) => Ok(Type::List(item_type(of.with(item))?)),
            ("set", Some(item)) => Ok(Type::Set(item_type(of.with(item))?)),
            ("map", Some(item)) => Ok(Type::Map(item_type(of.with(item))?)),
            (name, _) => Err(of.fault(format!("the type `{name}(…)` is not read by --apply"))),
        },
        _ => Err(of.fault("this is not a type; write string, number, bool, list(string) …")),
    }
}

/// The type of a collection's items. `list(any)` finds a common type, which is not done here.
fn item_type(of: Expr<'_>) -> Result<Box<Type>, Fault> {
    match type_of(of)? {
        Type::Any => Err(of.fault("`any` is read by --apply only by itself: name the type")),
        of => Ok(Box::new(of)),
    }
}

fn single(call: &FuncCall) -> Option<&Expression> {
    call.args.get(0).filter(|_| call.args.len() == 1 && !call.args.expand_final())
}
