//! What the module's names stand for: evaluated when first asked for, once, in whatever order the files have.

use std::{cell::RefCell, collections::BTreeMap, fmt};

use serde_json::Value as Json;

use super::{
    arguments::Arguments,
    eval::{self, Names},
    fault::{Fault, Place},
    module::Module,
    resource::{Address, Kind},
    source::Expr,
    value::{Type, Value},
    variable::Given,
    wanted::{self, Item},
};

/// The account that `--apply` works in; the access key of other accounts is not in a module.
pub(super) const ACCOUNT: &str = "000000000000";

/// What the service has, by the resource's address: the answers of its looks, taken together.
pub(super) type Found = BTreeMap<String, Json>;

/// Values of a module's names.
pub(super) struct Scope<'a> {
    pub module: &'a Module<'a>,
    pub given: &'a BTreeMap<String, Given>,
    pub environment: &'a BTreeMap<String, String>,
    found: &'a Found,
    /// The resources that were evaluated: each behind those that it refers to.
    resources: RefCell<Vec<Item>>,
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
    Resource(Address<'a>),
}

impl<'a> Scope<'a> {
    pub(super) fn new(
        module: &'a Module<'a>,
        given: &'a BTreeMap<String, Given>,
        environment: &'a BTreeMap<String, String>,
        found: &'a Found,
    ) -> Scope<'a> {
        Scope {
            module,
            given,
            environment,
            found,
            resources: RefCell::default(),
            known: RefCell::default(),
            path: RefCell::default(),
        }
    }

    pub(super) fn into_resources(self) -> Vec<Item> {
        self.resources.into_inner()
    }

    pub(super) fn eval(&self, at: Expr<'a>) -> Result<Value, Fault> {
        eval::eval(at, self)
    }

    pub(super) fn eval_as(&self, at: Expr<'a>, of: &Type) -> Result<Value, Fault> {
        eval::eval_as(at, of, self)
    }

    /// A value that must be known before anything is made.
    pub(super) fn known(&self, at: Expr<'a>, of: &Type) -> Result<Value, Fault> {
        let value = self.eval_as(at, of)?;
        match value.unknown() {
            Some(Value::Unknown(resource)) => Err(at.fault(format!(
                "this is known only when {resource} is made; --apply reads it only in the `policy` \
                 and `resource_arn` of a policy, and in outputs"
            ))),
            _ => Ok(value),
        }
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
            Name::Provider => wanted::provider(self),
            Name::Variable(label) => {
                let variable = self.module.variables.get(label).ok_or_else(missing)?;
                variable.value(label, self)
            }
            Name::Local(label) => self.eval(*self.module.locals.get(label).ok_or_else(missing)?),
            Name::Resource(at) => {
                let block = self.module.resources.get(&at).ok_or_else(missing)?;
                let address = at.to_string();
                let arguments = Arguments { scope: self, block, address: address.clone() };
                let resource = (at.kind.schema().read)(&arguments)?;
                let attributes = resource.attributes(self.found.get(&address));
                let place = block.place.clone();
                self.resources.borrow_mut().push(Item { kind: at.kind, address, place, resource });
                Ok(attributes)
            }
        }
    }

    fn fault(&self, name: Name<'a>, reason: String) -> Fault {
        let module = self.module;
        let place = match name {
            Name::Provider => module.provider.as_ref().map(|block| block.place.clone()),
            Name::Variable(label) => module.variables.get(label).map(|v| v.place.clone()),
            Name::Local(label) => module.locals.get(label).map(|local| local.place()),
            Name::Resource(at) => module.resources.get(&at).map(|block| block.place.clone()),
        };
        place.unwrap_or_else(|| Place::new(name.to_string(), 0)).fault(reason)
    }
}

impl<'a> Names<'a> for Scope<'a> {
    fn resolve(&self, at: Expr<'a>, root: &str, name: &'a str) -> Result<Value, Fault> {
        match (root, Kind::named(root)) {
            ("var", _) => self.value(Name::Variable(name)),
            ("local", _) => self.value(Name::Local(name)),
            (_, Some(kind)) => self.value(Name::Resource(Address { kind, label: name })),
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
            Name::Resource(address) => write!(f, "{address}"),
        }
    }
}
