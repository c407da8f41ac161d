//! `--apply DIR`: reads a Terraform module and makes the streams, alarms and topics that it describes.
//!
//! Reads what a module for Kinesis and its alarms needs (`docs/apply.md`) and ends by name, with file and line, at everything
//! else: nothing is skipped silently, and nothing is changed before the whole module is understood. What it makes
//! is what Terraform's provider makes, so that `terraform import` and `plan` then say `No changes`.
//! It never deletes anything. What could lose data or cannot be taken back is *drift*: printed with the command
//! that does it, and done only with `--apply-changes`.
//!
//! The way through: `source` (files, lines) → `module` (blocks), `check` (what no expression may have) →
//! `eval` (values), `resource` (the kinds) → `wanted` → `plan` (what is missing) → `perform` (calls, waits). What is
//! known only when something is made (a consumer's ARN, say) is evaluated again then; `Value::Unknown` stands for it before.

mod api;
mod arguments;
mod check;
mod eval;
mod fault;
mod fields;
mod functions;
mod module;
mod perform;
mod plan;
mod resource;
mod scope;
mod source;
mod value;
mod variable;
mod wanted;

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

pub use self::{
    api::{Api, ApiError, Service},
    fault::ApplyError,
};
use self::{
    plan::{Plan, Work},
    resource::Kind,
    scope::{Found, Scope},
    wanted::Wanted,
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
/// `connect` answers the services of the module's region. If the future is dropped, what was done stays; the next
/// run goes on from there.
pub async fn run<A: Api>(
    options: &Options,
    connect: impl FnOnce(&str) -> A,
) -> Result<Report, ApplyError> {
    let files = source::Files::read(&options.dir)?;
    let module = module::Module::read(&files)?;
    let given = variable::given(options, &files, &module)?;
    let understand =
        |found: &Found| Wanted::of(Scope::new(&module, &given, &options.environment, found));

    let wanted = understand(&Found::new())?;
    let api = connect(&wanted.region);
    let (mut wanted, found) = compare(&api, wanted, understand).await?;
    let plan = Plan::make(&wanted, &found, options);
    perform::perform(&api, &plan).await?;

    let lines = module.notes.iter().cloned().chain(plan.lines).collect();
    if !wanted.is_known {
        let waited: BTreeSet<String> = plan.work.iter().filter_map(Work::waits).collect();
        let found;
        let compared = compare(&api, wanted, understand).await;
        (wanted, found) = compared.map_err(ApplyError::half_way)?;
        let mut plan = Plan::make(&wanted, &found, options);
        plan.work.retain(|work| waited.contains(&work.item.address));
        perform::perform(&api, &plan).await?;
    }
    let streams = wanted.items.iter().filter(|item| item.kind == Kind::Stream);
    Ok(Report {
        streams: streams.map(|stream| stream.resource.identity()).collect(),
        region: wanted.region,
        plan: lines,
        outputs: wanted.outputs,
    })
}

/// What the service has, and what the module wants now that this is known.
async fn compare(
    api: &impl Api,
    wanted: Wanted,
    understand: impl Fn(&Found) -> Result<Wanted, ApplyError>,
) -> Result<(Wanted, Found), ApplyError> {
    let found = perform::look(api, &wanted).await?;
    if wanted.is_known {
        return Ok((wanted, found));
    }
    // A policy whose ARN was not known has not been looked for.
    let wanted = understand(&found)?;
    let found = perform::look(api, &wanted).await?;
    Ok((wanted, found))
}
