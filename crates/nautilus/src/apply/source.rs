//! The module's files: which Terraform would read, their text, and the line of everything in them.

use std::{io, ops::Range, path::Path};

use hcl::edit::{Span, expr::Expression, parser, structure::Body};

use super::fault::{ApplyError, Fault, Faults, Place};

/// One parsed file.
#[derive(Debug)]
pub(super) struct File {
    /// As a person finds it: the directory as given, and the name.
    pub path: String,
    pub body: Body,
    text: String,
}

/// An expression and the file that it stands in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expr<'a> {
    pub file: &'a File,
    pub expr: &'a Expression,
}

/// All files of a module.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// `*.tf`, by name.
    pub module: Vec<File>,
    /// `terraform.tfvars`, then `*.auto.tfvars` by name: a later one wins.
    pub values: Vec<File>,
}

impl Files {
    pub(super) fn read(dir: &Path) -> Result<Files, ApplyError> {
        let mut names =
            list(dir).map_err(|error| Fault::new(dir.display().to_string(), 0, explain(&error)))?;
        names.sort_by_key(|name| (name != "terraform.tfvars", name.clone()));

        let mut files = Files::default();
        let mut faults = Faults::default();
        for name in names {
            let path = dir.join(&name);
            match Kind::of(&name) {
                Kind::Module => files.module.extend(faults.keep(File::read(&path))),
                Kind::Values => files.values.extend(faults.keep(File::read(&path))),
                Kind::Unread(reason) => {
                    faults.push(Fault::new(path.display().to_string(), 0, reason));
                }
                Kind::NotTerraform => {}
            }
        }
        faults.finish()?;

        if files.module.is_empty() {
            return Err(Fault::new(dir.display().to_string(), 0, "has no `.tf` files").into());
        }
        Ok(files)
    }
}

/// What Terraform does with a file of this name.
enum Kind {
    Module,
    Values,
    Unread(&'static str),
    NotTerraform,
}

impl Kind {
    fn of(name: &str) -> Kind {
        let ignored = name.starts_with('.') || name.ends_with('~') || name.starts_with('#');
        let values = |ending: &str| {
            name == format!("terraform.{ending}") || name.ends_with(&format!(".auto.{ending}"))
        };
        match name {
            _ if ignored => Kind::NotTerraform,
            "override.tf" => Kind::Unread("override files are not read by --apply"),
            _ if name.ends_with("_override.tf") => {
                Kind::Unread("override files are not read by --apply")
            }
            _ if name.ends_with(".tf.json") || values("tfvars.json") => {
                Kind::Unread("JSON is not read by --apply, write it as HCL")
            }
            _ if values("tfvars") => Kind::Values,
            _ if name.ends_with(".tf") => Kind::Module,
            _ => Kind::NotTerraform,
        }
    }
}

impl File {
    fn read(path: &Path) -> Result<File, Fault> {
        let shown = path.display().to_string();
        let text = text(path).map_err(|error| Fault::new(shown.as_str(), 0, explain(&error)))?;
        File::parse(shown, text)
    }

    pub(super) fn parse(path: String, text: String) -> Result<File, Fault> {
        match parser::parse_body(&text) {
            Ok(body) => Ok(File { path, text, body }),
            Err(error) => {
                let reason = format!("cannot be read as HCL: {}", error.message());
                Err(Fault::new(path, error.location().line(), reason))
            }
        }
    }

    fn line(&self, at: &impl Span) -> usize {
        let Range { start, .. } = at.span().unwrap_or_default();
        1 + self.text.bytes().take(start).filter(|byte| *byte == b'\n').count()
    }

    pub(super) fn text_of(&self, at: &impl Span) -> &str {
        self.text.get(at.span().unwrap_or_default()).unwrap_or_default()
    }

    pub(super) fn place(&self, at: &impl Span) -> Place {
        Place::new(self.path.as_str(), self.line(at))
    }

    pub(super) fn fault(&self, at: &impl Span, reason: impl Into<String>) -> Fault {
        self.place(at).fault(reason)
    }
}

impl<'a> Expr<'a> {
    /// Another expression of the same file.
    pub(super) fn with(self, expr: &'a Expression) -> Expr<'a> {
        Expr { file: self.file, expr }
    }

    pub(super) fn place(self) -> Place {
        self.file.place(self.expr)
    }

    pub(super) fn fault(self, reason: impl Into<String>) -> Fault {
        self.file.fault(self.expr, reason)
    }
}

fn list(dir: &Path) -> io::Result<Vec<String>> {
    let names = std::fs::read_dir(dir)?.map(|entry| entry.map(|entry| entry.file_name()));
    names.map(|name| name.map(|name| name.to_string_lossy().into_owned())).collect()
}

// `Disk` is the data directory, opened for writing; these are the user's own files, often mounted read-only.
#[allow(clippy::disallowed_methods)]
fn text(path: &Path) -> io::Result<String> {
    std::fs::read_to_string(path)
}

fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "does not exist".to_owned(),
        io::ErrorKind::InvalidData => "is not UTF-8 text".to_owned(),
        _ => format!("cannot be read: {error}"),
    }
}
