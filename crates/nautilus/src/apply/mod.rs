//! `--apply DIR`: reads a Terraform module and makes the streams that it describes.
//!
//! Reads what a module for one stream needs (`docs/apply.md`) and ends by name, with file and line, at everything
//! else: nothing is skipped silently, and nothing is changed before the whole module is understood. What it makes
//! is what Terraform's provider makes, so that `terraform import` and `plan` then say `No changes`.
//! It never deletes a stream. What could lose data or cannot be taken back is *drift*: printed with the command
//! that does it, and done only with `--apply-changes`.
//!
//! The way through: `source` (files, lines) → `module` (blocks), `check` (what no expression may have) →
//! `eval` (values) → `stream` (what is wanted) → `plan` (what is missing) → `perform` (calls, waits).

mod api;
mod check;
mod eval;
mod fault;
mod fields;
mod module;
mod perform;
mod plan;
mod scope;
mod source;
mod stream;
mod value;
mod variable;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, path::PathBuf};

pub use self::{
    api::{Api, ApiError},
    fault::ApplyError,
};

/// What the command line said.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The directory that holds the module.
    pub dir: PathBuf,
    /// The values of `--var`, each `name=value`, in order.
    pub vars: Vec<String>,
    /// Does what is otherwise only printed as drift.
    pub apply_changes: bool,
    /// The process's environment; `TF_VAR_…`, `AWS_REGION` and `AWS_DEFAULT_REGION` are read.
    pub environment: BTreeMap<String, String>,
}

/// What `--apply` did, for the person who started it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The provider's region, in which the streams live.
    pub region: String,
    /// The names of the module's streams.
    pub streams: Vec<String>,
    /// The plan as Terraform would print it, a line each; the last one is `No changes` if there is nothing to do.
    /// A line that begins with `#` names what only Terraform itself needs.
    pub plan: Vec<String>,
    /// The module's outputs, a line each.
    pub outputs: Vec<String>,
}

/// Reads the module, compares it with what is there, and makes what is missing.
///
/// `connect` answers the service of the module's region. If the future is dropped, what was done stays; the next
/// run goes on from there.
pub async fn run<A: Api>(
    options: &Options,
    connect: impl FnOnce(&str) -> A,
) -> Result<Report, ApplyError> {
    let files = source::Files::read(&options.dir)?;
    let module = module::Module::read(&files)?;
    let given = variable::given(options, &files, &module)?;
    let scope = scope::Scope::new(&module, given, &options.environment);
    let wanted = stream::Wanted::of(&scope)?;
    drop(scope);

    let api = connect(&wanted.region);
    let plan = plan::Plan::make(&api, &wanted, options, module.notes).await?;
    perform::perform(&api, &plan).await?;

    Ok(Report {
        region: wanted.region,
        streams: wanted.streams.iter().map(|stream| stream.name.clone()).collect(),
        plan: plan.lines,
        outputs: wanted.outputs,
    })
}
