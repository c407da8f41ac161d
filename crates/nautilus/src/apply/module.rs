//! The module's blocks, sorted into what they are. Every argument is taken by name; one that nobody takes is a fault.

use std::collections::BTreeMap;

use hcl::edit::{
    expr::Expression,
    structure::{self, Attribute, Structure},
};

use super::{
    check::check,
    fault::{ApplyError, Fault, Faults, Place},
    fields::{Fields, labels, literal_string},
    resource::{Address, Kind, Nested, Repeated, Schema},
    source::{Expr, File, Files},
    variable::Variable,
};

/// What the module says, not yet evaluated.
#[derive(Debug, Default)]
pub(super) struct Module<'a> {
    pub variables: BTreeMap<&'a str, Variable<'a>>,
    pub locals: BTreeMap<&'a str, Expr<'a>>,
    pub provider: Option<Block<'a>>,
    pub resources: BTreeMap<Address<'a>, Block<'a>>,
    pub outputs: BTreeMap<&'a str, Output<'a>>,
    /// What has a meaning for Terraform only, a sentence each.
    pub notes: Vec<String>,
}

/// The arguments of a resource or a provider; those of a block within are called `block.argument`.
#[derive(Debug)]
pub(super) struct Block<'a> {
    pub place: Place,
    pub arguments: BTreeMap<String, Expr<'a>>,
    /// The blocks within that may be repeated, in the order of the file.
    pub repeated: BTreeMap<&'static str, Vec<Block<'a>>>,
}

/// `output`.
#[derive(Debug)]
pub(super) struct Output<'a> {
    pub value: Expr<'a>,
    pub sensitive: bool,
}

/// Arguments that every resource has in Terraform and that are not read here.
const META_ARGUMENTS: &[&str] = &[
    "connection",
    "count",
    "depends_on",
    "dynamic",
    "for_each",
    "lifecycle",
    "provider",
    "provisioner",
];

const PROVIDER_ARGUMENTS: &[&str] = &["region"];
const PROVIDER_NESTED: &[Nested] =
    &[Nested { block: "default_tags", required: &[], optional: &["tags"] }];

impl<'a> Module<'a> {
    pub(super) fn read(files: &'a Files) -> Result<Module<'a>, ApplyError> {
        let mut module = Module::default();
        let mut faults = Faults::default();
        module.read_blocks(files, &mut faults);
        check(&module, &mut faults);
        faults.finish()?;
        Ok(module)
    }

    fn read_blocks(&mut self, files: &'a Files, faults: &mut Faults) {
        for file in &files.module {
            for structure in &file.body {
                let read = match structure {
                    Structure::Block(block) => self.block(file, block, faults),
                    Structure::Attribute(attribute) => {
                        let name = attribute.key.as_str();
                        Err(file
                            .fault(&attribute.key, format!("`{name}` stands outside of a block")))
                    }
                };
                faults.keep(read);
            }
        }
    }

    fn block(
        &mut self,
        file: &'a File,
        block: &'a structure::Block,
        faults: &mut Faults,
    ) -> Result<(), Fault> {
        match block.ident.as_str() {
            "terraform" => self.terraform(file, block, faults),
            "provider" => self.provider(file, block, faults),
            "variable" => {
                let [name] = labels(file, block)?;
                let variable = Variable::read(Fields::of(file, block), faults);
                unique(self.variables.insert(name, variable).is_none(), file, block)
            }
            "locals" => {
                let [] = labels(file, block)?;
                let mut fields = Fields::of(file, block);
                for attribute in std::mem::take(&mut fields.attributes) {
                    let value = Expr { file, expr: &attribute.value };
                    if self.locals.insert(attribute.key.as_str(), value).is_some() {
                        faults.push(file.fault(&attribute.key, "this local is defined twice"));
                    }
                }
                fields.finish(&[], faults);
                Ok(())
            }
            "resource" => {
                let [kind, label] = labels(file, block)?;
                let Some(kind) = Kind::named(kind) else {
                    let known = Kind::names();
                    return Err(file.fault(
                        &block.ident,
                        format!("resource {kind}.{label} is not read by --apply, only {known} are"),
                    ));
                };
                let resource = resource(Fields::of(file, block), kind.schema(), faults);
                let address = Address { kind, label };
                unique(self.resources.insert(address, resource).is_none(), file, block)
            }
            "output" => {
                let [name] = labels(file, block)?;
                let output = Output::read(Fields::of(file, block), faults)?;
                unique(self.outputs.insert(name, output).is_none(), file, block)
            }
            other => {
                let labels: String =
                    block.labels.iter().map(|label| format!(" \"{}\"", label.as_str())).collect();
                Err(file.fault(&block.ident, format!("`{other}{labels}` is not read by --apply")))
            }
        }
    }

    fn terraform(
        &mut self,
        file: &'a File,
        block: &'a structure::Block,
        faults: &mut Faults,
    ) -> Result<(), Fault> {
        let [] = labels(file, block)?;
        let mut fields = Fields::of(file, block);
        if let Some(version) = fields.take("required_version") {
            faults.keep(literal_string(version));
        }
        for backend in ["backend", "cloud"] {
            for block in fields.blocks(backend) {
                let place = file.place(&block.ident);
                self.notes.push(format!(
                    "# {place}: `{backend}` is where Terraform keeps its state; --apply keeps none"
                ));
            }
        }
        for block in fields.blocks("required_providers") {
            let mut fields = Fields::of(file, block);
            for attribute in std::mem::take(&mut fields.attributes) {
                faults.keep(required_provider(file, attribute));
            }
            fields.finish(&[], faults);
        }
        fields.finish(&["experiments", "provider_meta"], faults);
        Ok(())
    }

    fn provider(
        &mut self,
        file: &'a File,
        block: &'a structure::Block,
        faults: &mut Faults,
    ) -> Result<(), Fault> {
        let ["aws"] = labels(file, block)? else {
            return Err(file.fault(&block.ident, "only the provider \"aws\" is read by --apply"));
        };
        let mut fields = Fields::of(file, block);
        let provider = Block::take(&mut fields, PROVIDER_ARGUMENTS, PROVIDER_NESTED, faults);
        fields.refuse_others("only `region` and `default_tags` are", faults);
        unique(self.provider.replace(provider).is_none(), file, block)
    }

    /// Every expression that is evaluated, for what must hold in all of them.
    pub(super) fn expressions(&self) -> Vec<Expr<'a>> {
        let mut all: Vec<Expr<'a>> = self.locals.values().copied().collect();
        all.extend(self.outputs.values().map(|output| output.value));
        let blocks = self.provider.iter().chain(self.resources.values());
        all.extend(blocks.flat_map(Block::expressions));
        for variable in self.variables.values() {
            all.extend(variable.validations.iter().flat_map(|rule| [rule.condition, rule.message]));
        }
        all
    }
}

impl<'a> Block<'a> {
    fn take(
        fields: &mut Fields<'a>,
        arguments: &[&str],
        nested: &[Nested],
        faults: &mut Faults,
    ) -> Block<'a> {
        let mut taken = BTreeMap::new();
        for name in arguments {
            taken.extend(fields.take(name).map(|value| ((*name).to_owned(), value)));
        }
        for Nested { block: name, required, optional } in nested {
            let Some(block) = fields.block(name, faults) else { continue };
            let mut fields = Fields::of(fields.file, block);
            for argument in required.iter().chain(*optional) {
                match fields.take(argument) {
                    Some(value) => drop(taken.insert(format!("{name}.{argument}"), value)),
                    None if required.contains(argument) => faults.push(fields.missing(argument)),
                    None => {}
                }
            }
            fields.finish(&[], faults);
        }
        Block { place: fields.place(), arguments: taken, repeated: BTreeMap::new() }
    }

    fn take_repeated(&mut self, fields: &mut Fields<'a>, kind: &Repeated, faults: &mut Faults) {
        let Repeated { block: name, required, optional, nested } = kind;
        for block in fields.blocks(name) {
            let mut fields = Fields::of(fields.file, block);
            let arguments = [*required, *optional].concat();
            let taken = Block::take(&mut fields, &arguments, nested, faults);
            for argument in required.iter().filter(|name| !taken.arguments.contains_key(**name)) {
                faults.push(fields.missing(argument));
            }
            fields.finish(&["dynamic"], faults);
            self.repeated.entry(name).or_default().push(taken);
        }
    }

    fn expressions(&self) -> Vec<Expr<'a>> {
        let within = self.repeated.values().flatten().flat_map(Block::expressions);
        self.arguments.values().copied().chain(within).collect()
    }
}

fn resource<'a>(mut fields: Fields<'a>, schema: &Schema, faults: &mut Faults) -> Block<'a> {
    let mut block = Block::take(&mut fields, schema.arguments, schema.nested, faults);
    for kind in schema.repeated {
        block.take_repeated(&mut fields, kind, faults);
    }
    for name in schema.answered {
        if let Some(value) = fields.take(name) {
            faults.push(value.fault(format!("`{name}` is what AWS answers, not an argument")));
        }
    }
    fields.finish(&[META_ARGUMENTS, schema.unread].concat(), faults);
    block
}

impl<'a> Output<'a> {
    fn read(mut fields: Fields<'a>, faults: &mut Faults) -> Result<Output<'a>, Fault> {
        fields.take("description");
        let sensitive = fields.literal_bool("sensitive", faults).unwrap_or(false);
        let value = fields.take("value");
        let missing = fields.missing("value");
        fields.finish(&["depends_on", "ephemeral", "precondition"], faults);
        Ok(Output { value: value.ok_or(missing)?, sensitive })
    }
}

fn unique(first: bool, file: &File, block: &structure::Block) -> Result<(), Fault> {
    let name = block.labels.last().map_or(block.ident.as_str(), |label| label.as_str());
    let kind = block.ident.as_str();
    if first {
        Ok(())
    } else {
        Err(file.fault(&block.ident, format!("{kind} \"{name}\" is defined twice")))
    }
}

/// `aws = { source = "hashicorp/aws", version = "…" }`; the version is Terraform's business.
fn required_provider(file: &File, attribute: &Attribute) -> Result<(), Fault> {
    let name = attribute.key.as_str();
    if name != "aws" {
        let reason = format!("provider `{name}` is not read by --apply, only `aws` is");
        return Err(file.fault(&attribute.key, reason));
    }
    let requirement = Expr { file, expr: &attribute.value };
    let Expression::Object(object) = &attribute.value else {
        return literal_string(requirement).map(drop);
    };
    for (key, value) in object {
        let key = key.as_ident().map_or("", |key| key.as_str());
        let text = literal_string(requirement.with(value.expr()))?;
        let ours = match key {
            "source" => matches!(text, "hashicorp/aws" | "registry.terraform.io/hashicorp/aws"),
            "version" => true,
            _ => false,
        };
        if !ours {
            return Err(requirement.with(value.expr()).fault(format!(
                "`{key} = \"{text}\"` is not read by --apply: it knows `source = \"hashicorp/aws\"` and `version`"
            )));
        }
    }
    Ok(())
}
