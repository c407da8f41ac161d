//! The module's blocks, sorted into what they are. Every argument is taken by name; one that nobody takes is a fault.

use std::collections::BTreeMap;

use hcl::edit::{
    expr::Expression,
    structure::{Attribute, Block, Structure},
};

use super::{
    check::check,
    fault::{ApplyError, Fault, Faults},
    fields::{Fields, labels, literal_string},
    source::{Expr, File, Files},
    variable::Variable,
};

/// What the module says, not yet evaluated.
#[derive(Debug, Default)]
pub(super) struct Module<'a> {
    pub variables: BTreeMap<&'a str, Variable<'a>>,
    pub locals: BTreeMap<&'a str, Expr<'a>>,
    pub provider: Option<Provider<'a>>,
    pub streams: BTreeMap<&'a str, StreamBlock<'a>>,
    pub outputs: BTreeMap<&'a str, Output<'a>>,
    /// What has a meaning for Terraform only, a sentence each.
    pub notes: Vec<String>,
}

/// `provider "aws"`.
#[derive(Debug)]
pub(super) struct Provider<'a> {
    pub region: Option<Expr<'a>>,
    pub default_tags: Option<Expr<'a>>,
    file: &'a File,
    line: usize,
}

/// `resource "aws_kinesis_stream"`, with all arguments that the provider has.
#[derive(Debug)]
pub(super) struct StreamBlock<'a> {
    pub label: &'a str,
    pub file: &'a File,
    pub line: usize,
    pub arguments: BTreeMap<&'static str, Expr<'a>>,
    pub stream_mode: Option<Expr<'a>>,
    pub timeouts: BTreeMap<&'static str, Expr<'a>>,
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

const STREAM_ARGUMENTS: &[&str] = &[
    "encryption_type",
    "enforce_consumer_deletion",
    "kms_key_id",
    "name",
    "retention_period",
    "shard_count",
    "shard_level_metrics",
    "tags",
];

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
        block: &'a Block,
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
                if kind != "aws_kinesis_stream" {
                    let reason = format!(
                        "resource {kind}.{label} is not read by --apply, only aws_kinesis_stream is"
                    );
                    return Err(file.fault(&block.ident, reason));
                }
                let stream = StreamBlock::read(label, file, block, faults)?;
                unique(self.streams.insert(label, stream).is_none(), file, block)
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
        block: &'a Block,
        faults: &mut Faults,
    ) -> Result<(), Fault> {
        let [] = labels(file, block)?;
        let mut fields = Fields::of(file, block);
        if let Some(version) = fields.take("required_version") {
            faults.keep(literal_string(version));
        }
        for backend in ["backend", "cloud"] {
            for block in fields.blocks(backend) {
                let line = file.line(&block.ident);
                let path = &file.path;
                self.notes.push(format!(
                    "# {path}:{line}: `{backend}` is where Terraform keeps its state; --apply keeps none"
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
        block: &'a Block,
        faults: &mut Faults,
    ) -> Result<(), Fault> {
        let ["aws"] = labels(file, block)? else {
            return Err(file.fault(&block.ident, "only the provider \"aws\" is read by --apply"));
        };
        let mut fields = Fields::of(file, block);
        let region = fields.take("region");
        let mut default_tags = None;
        if let Some(block) = fields.block("default_tags", faults) {
            let mut fields = Fields::of(file, block);
            default_tags = fields.take("tags");
            fields.finish(&[], faults);
        }
        fields.refuse_others("only `region` and `default_tags` are", faults);

        let provider = Provider { region, default_tags, file, line: file.line(&block.ident) };
        unique(self.provider.replace(provider).is_none(), file, block)
    }

    /// Every expression that is evaluated, for what must hold in all of them.
    pub(super) fn expressions(&self) -> Vec<Expr<'a>> {
        let mut all: Vec<Expr<'a>> = self.locals.values().copied().collect();
        all.extend(self.outputs.values().map(|output| output.value));
        if let Some(provider) = &self.provider {
            all.extend(provider.region.iter().chain(&provider.default_tags));
        }
        for stream in self.streams.values() {
            all.extend(stream.arguments.values().chain(stream.timeouts.values()));
            all.extend(&stream.stream_mode);
        }
        for variable in self.variables.values() {
            all.extend(variable.validations.iter().flat_map(|rule| [rule.condition, rule.message]));
        }
        all
    }
}

impl Provider<'_> {
    pub(super) fn fault(&self, reason: impl Into<String>) -> Fault {
        Fault::new(self.file.path.as_str(), self.line, reason)
    }
}

impl<'a> StreamBlock<'a> {
    fn read(
        label: &'a str,
        file: &'a File,
        block: &'a Block,
        faults: &mut Faults,
    ) -> Result<StreamBlock<'a>, Fault> {
        let mut fields = Fields::of(file, block);
        let arguments = fields.take_all(STREAM_ARGUMENTS);
        for read_only in ["arn", "id", "tags_all"] {
            if let Some(value) = fields.take(read_only) {
                faults.push(
                    value.fault(format!("`{read_only}` is what AWS answers, not an argument")),
                );
            }
        }
        let mut stream_mode = None;
        if let Some(block) = fields.block("stream_mode_details", faults) {
            let mut fields = Fields::of(file, block);
            stream_mode = fields.take("stream_mode");
            if stream_mode.is_none() {
                faults.push(file.fault(&block.ident, "`stream_mode` is missing"));
            }
            fields.finish(&[], faults);
        }
        let mut timeouts = BTreeMap::new();
        if let Some(block) = fields.block("timeouts", faults) {
            let mut fields = Fields::of(file, block);
            timeouts = fields.take_all(&["create", "delete", "update"]);
            fields.finish(&[], faults);
        }
        fields.finish(META_ARGUMENTS, faults);

        let line = file.line(&block.ident);
        Ok(StreamBlock { label, file, line, arguments, stream_mode, timeouts })
    }

    pub(super) fn address(&self) -> String {
        format!("aws_kinesis_stream.{}", self.label)
    }

    pub(super) fn fault(&self, reason: impl Into<String>) -> Fault {
        Fault::new(self.file.path.as_str(), self.line, reason)
    }
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

fn unique(first: bool, file: &File, block: &Block) -> Result<(), Fault> {
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
