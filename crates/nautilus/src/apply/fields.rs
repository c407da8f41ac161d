//! The arguments and nested blocks of one block: each is taken by name, and what nobody took is a fault.

use hcl::edit::{
    expr::Expression,
    structure::{Attribute, Block},
};

use super::{
    fault::{Fault, Faults, Place},
    source::{Expr, File},
};

/// What of a block nobody has taken yet.
pub(super) struct Fields<'a> {
    pub file: &'a File,
    pub attributes: Vec<&'a Attribute>,
    block: &'a Block,
    blocks: Vec<&'a Block>,
}

impl<'a> Fields<'a> {
    pub(super) fn of(file: &'a File, block: &'a Block) -> Fields<'a> {
        let attributes = block.body.attributes().collect();
        Fields { file, attributes, block, blocks: block.body.blocks().collect() }
    }

    pub(super) fn take(&mut self, name: &str) -> Option<Expr<'a>> {
        let index = self.attributes.iter().position(|attribute| attribute.has_key(name))?;
        let attribute = self.attributes.remove(index);
        Some(Expr { file: self.file, expr: &attribute.value })
    }

    /// An argument that must be written out as a bool.
    pub(super) fn literal_bool(&mut self, name: &str, faults: &mut Faults) -> Option<bool> {
        let value = self.take(name)?;
        let literal = value.expr.as_bool();
        if literal.is_none() {
            faults.push(value.fault(format!("`{name}` must be `true` or `false`")));
        }
        literal
    }

    pub(super) fn blocks(&mut self, name: &str) -> Vec<&'a Block> {
        let (taken, rest) = self.blocks.iter().partition(|block| block.has_ident(name));
        self.blocks = rest;
        taken
    }

    /// A block that may stand there once.
    pub(super) fn block(&mut self, name: &str, faults: &mut Faults) -> Option<&'a Block> {
        let blocks = self.blocks(name);
        for second in blocks.iter().skip(1) {
            faults.push(self.file.fault(&second.ident, format!("`{name}` stands here twice")));
        }
        for labelled in blocks.iter().filter(|block| block.is_labeled()) {
            faults.push(self.file.fault(&labelled.ident, format!("`{name}` has no labels")));
        }
        blocks.first().copied()
    }

    pub(super) fn missing(&self, name: &str) -> Fault {
        let what = self.what();
        self.file.fault(&self.block.ident, format!("`{name}` is missing in {what}"))
    }

    /// Where the block begins.
    pub(super) fn place(&self) -> Place {
        self.file.place(&self.block.ident)
    }

    /// What is left is a fault: `unread` are Terraform's own names, all others are mistakes.
    pub(super) fn finish(self, unread: &[&str], faults: &mut Faults) {
        let what = self.what();
        for (name, fault) in self.left() {
            faults.push(if unread.contains(&name) {
                fault(format!("`{name}` is not read by --apply, in {what}"))
            } else {
                fault(format!("{what} has no `{name}`"))
            });
        }
    }

    /// What is left is a fault: Terraform may know it, `--apply` does not.
    pub(super) fn refuse_others(self, but: &str, faults: &mut Faults) {
        let what = self.what();
        for (name, fault) in self.left() {
            faults.push(fault(format!("`{name}` is not read by --apply, in {what}: {but}")));
        }
    }

    fn left(&self) -> impl Iterator<Item = (&'a str, impl Fn(String) -> Fault)> {
        let file = self.file;
        let attributes = self.attributes.iter().map(|attribute| &attribute.key);
        let idents = attributes.chain(self.blocks.iter().map(|block| &block.ident));
        idents.map(move |ident| (ident.as_str(), move |reason| file.fault(ident, reason)))
    }

    /// The block as a person calls it: `resource aws_kinesis_stream.orders`.
    fn what(&self) -> String {
        let labels: Vec<&str> = self.block.labels.iter().map(|label| label.as_str()).collect();
        format!("{} {}", self.block.ident.as_str(), labels.join(".")).trim_end().to_owned()
    }
}

/// The labels of a block that has as many as are asked for.
pub(super) fn labels<'a, const N: usize>(
    file: &File,
    block: &'a Block,
) -> Result<[&'a str; N], Fault> {
    let labels: Vec<&str> = block.labels.iter().map(|label| label.as_str()).collect();
    labels.try_into().map_err(|_| {
        let kind = block.ident.as_str();
        file.fault(&block.ident, format!("`{kind}` wants {N} labels"))
    })
}

/// A string without anything to evaluate in it.
pub(super) fn literal_string(value: Expr<'_>) -> Result<&str, Fault> {
    match value.expr {
        Expression::String(text) => Ok(text.as_str()),
        _ => Err(value.fault("must be a plain string")),
    }
}
