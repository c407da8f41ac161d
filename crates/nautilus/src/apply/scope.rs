//! What the module's names stand for: evaluated when first asked for, once, in whatever order the files have.

use std::{cell::RefCell, collections::BTreeMap, fmt};

use super::{
    eval::{self, Names},
    fault::Fault,
    module::Module,
    source::Expr,
    stream,
    value::{Type, Value},
    variable::Given,
};

/// The account that `--apply` works in; the access key of other accounts is not in a module.
pub(super) const ACCOUNT: &str = "000000000000";

/// Values of a module's names.
pub(super) struct Scope<'a> {
    pub module: &'a Module<'a>,
    pub given: BTreeMap<String, Given>,
    pub environment: &'a BTreeMap<String, String>,
    known: RefCell<BTreeMap<Name<'a>, Result<Value, Fault>>>,
    /// The names being evaluated, each because of the one before it.
    path: RefCell<Vec<Name<'a>>>,
}

/// Something that has a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Name<'a> {
    Provider,
    Variable(&'a str),
    Local(&'a str),
    Stream(&'a str),
}

impl<'a> Scope<'a> {
    pub(super) fn new(
        module: &'a Module<'a>,
        given: BTreeMap<String, Given>,
        environment: &'a BTreeMap<String, String>,
    ) -> Scope<'a> {
        Scope { module, given, environment, known: RefCell::default(), path: RefCell::default() }
    }

    pub(super) fn eval(&self, at: Expr<'a>) -> Result<Value, Fault> {
        eval::eval(at, self)
    }

    pub(super) fn eval_as(&self, at: Expr<'a>, of: &Type) -> Result<Value, Fault> {
        eval::eval_as(at, of, self)
    }

    /// The value of a name that the module has.
    pub(super) fn value(&self, name: Name<'a>) -> Result<Value, Fault> {
        if let Some(known) = self.known.borrow().get(&name) {
            return known.clone();
        }
        self.refuse_cycle(name)?;

        self.path.borrow_mut().push(name);
        let value = self.evaluate(name);
        self.path.borrow_mut().pop();

        self.known.borrow_mut().insert(name, value.clone());
        value
    }

    fn refuse_cycle(&self, name: Name<'a>) -> Result<(), Fault> {
        let path = self.path.borrow();
        let Some(start) = path.iter().position(|other| *other == name) else { return Ok(()) };
        let around: Vec<String> = path[start..].iter().map(Name::to_string).collect();
        let reason = format!("{name} needs itself: {} → {name}", around.join(" → "));
        Err(self.fault(name, reason))
    }

    fn evaluate(&self, name: Name<'a>) -> Result<Value, Fault> {
        let missing = || Fault::new(name.to_string(), 0, "does not exist");
        match name {
            Name::Provider => stream::provider(self),
            Name::Variable(label) => {
                let variable = self.module.variables.get(label).ok_or_else(missing)?;
                variable.value(label, self)
            }
            Name::Local(label) => self.eval(*self.module.locals.get(label).ok_or_else(missing)?),
            Name::Stream(label) => {
                let block = self.module.streams.get(label).ok_or_else(missing)?;
                Ok(stream::Stream::of(block, self)?.attributes())
            }
        }
    }

    fn fault(&self, name: Name<'a>, reason: String) -> Fault {
        let module = self.module;
        match name {
            Name::Provider => module.provider.as_ref().map(|provider| provider.fault(&reason)),
            Name::Variable(label) => module.variables.get(label).map(|v| v.fault(&reason)),
            Name::Local(label) => module.locals.get(label).map(|local| local.fault(&reason)),
            Name::Stream(label) => module.streams.get(label).map(|s| s.fault(&reason)),
        }
        .unwrap_or_else(|| Fault::new(name.to_string(), 0, &reason))
    }
}

impl<'a> Names<'a> for Scope<'a> {
    fn resolve(&self, at: Expr<'a>, root: &str, name: &'a str) -> Result<Value, Fault> {
        match root {
            "var" => self.value(Name::Variable(name)),
            "local" => self.value(Name::Local(name)),
            "aws_kinesis_stream" => self.value(Name::Stream(name)),
            _ => Err(at.fault(format!("`{root}.{name}` is not read by --apply"))),
        }
    }
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Name::Provider => write!(f, "provider.aws"),
            Name::Variable(label) => write!(f, "var.{label}"),
            Name::Local(label) => write!(f, "local.{label}"),
            Name::Stream(label) => write!(f, "aws_kinesis_stream.{label}"),
        }
    }
}
