//! What the module wants: its resources, with the provider's rules checked and its defaults filled in.

use std::collections::BTreeMap;

use super::{
    arguments::Arguments,
    fault::{ApplyError, Fault, Faults, Place},
    module::Block,
    resource::{Kind, Resource},
    scope::{Name, Scope},
    value::Value,
};

/// Everything that the module wants.
#[derive(Debug)]
pub(super) struct Wanted {
    pub region: String,
    /// Each behind those that it refers to.
    pub items: Vec<Item>,
    /// A line for each output.
    pub outputs: Vec<String>,
    /// Whether nothing of it depends on what is still to be made.
    pub is_known: bool,
}

/// A resource, and where it stands in the module.
#[derive(Debug)]
pub(super) struct Item {
    pub kind: Kind,
    /// `aws_kinesis_stream.orders`.
    pub address: String,
    pub place: Place,
    pub resource: Box<dyn Resource>,
}

impl Wanted {
    pub(super) fn of(scope: Scope<'_>) -> Result<Wanted, ApplyError> {
        let module = scope.module;
        let mut faults = Faults::default();
        for (label, variable) in &module.variables {
            if faults.keep(scope.value(Name::Variable(label))).is_some() {
                faults.keep(variable.validate(label, &scope));
            }
        }
        for label in module.locals.keys() {
            faults.keep(scope.value(Name::Local(label)));
        }
        let provider = faults.keep(scope.value(Name::Provider));
        for address in module.resources.keys() {
            faults.keep(scope.value(Name::Resource(*address)));
        }
        let (mut outputs, mut is_known) = (Vec::new(), true);
        for (label, output) in &module.outputs {
            let Some(value) = faults.keep(scope.eval(output.value)) else { continue };
            is_known &= value.unknown().is_none();
            outputs.push(match output.sensitive {
                true => format!("{label} = (sensitive value)"),
                false => format!("{label} = {value}"),
            });
        }
        let items = scope.into_resources();
        refuse_twins(&items, &mut faults);
        faults.finish()?;

        is_known &= items.iter().all(|item| item.resource.is_known());
        let region = provider.map_or_else(String::new, |value| value.text_of("region").to_owned());
        Ok(Wanted { region, items, outputs, is_known })
    }
}

fn refuse_twins(items: &[Item], faults: &mut Faults) {
    let mut seen: BTreeMap<(Kind, String), &Item> = BTreeMap::new();
    for item in items {
        let identity = item.resource.identity();
        let Some(twin) = seen.insert((item.kind, identity.clone()), item) else { continue };
        let (one, other) = (&item.address, &twin.address);
        faults.push(item.place.fault(format!("{one} makes what {other} makes: {identity:?}")));
    }
}

/// The provider's settings, as a map. Without a region in the module it is the environment's, as in Terraform.
pub(super) fn provider(scope: &Scope<'_>) -> Result<Value, Fault> {
    let address = "provider.aws".to_owned();
    let unwritten = Block {
        place: Place::new(&*address, 0),
        arguments: BTreeMap::new(),
        repeated: BTreeMap::new(),
    };
    let block = scope.module.provider.as_ref().unwrap_or(&unwritten);
    let arguments = Arguments { scope, block, address };

    let set = |name: &&str| scope.environment.get(*name).filter(|value| !value.is_empty());
    let from_environment = || ["AWS_REGION", "AWS_DEFAULT_REGION"].iter().find_map(set).cloned();
    let region = arguments.text("region")?.or_else(from_environment).ok_or_else(|| {
        let reason =
            "the provider has no region: write `region = \"us-east-1\"`, or set AWS_REGION";
        arguments.fault("region", reason)
    })?;
    if !is_region(&region) {
        let reason = format!("{region:?} is not the name of an AWS region");
        return Err(arguments.fault("region", reason));
    }
    let default_tags = arguments.tags("default_tags.tags")?;
    Ok(Value::object([
        ("region", Value::String(region)),
        ("default_tags", Value::texts(&default_tags)),
    ]))
}

/// The shape of all regions' names, `us-gov-east-1`: new ones need no new version.
fn is_region(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    name.chars().all(plain) && name.split('-').filter(|part| !part.is_empty()).count() >= 3
}
