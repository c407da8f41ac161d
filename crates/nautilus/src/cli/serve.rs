//! `nautilus serve`: opens the data directory, answers until a signal, and ends in order.
//!
//! Order: lock, port, engine, listen, provision, ready. Whatever fails before the last ends with a sentence and a code,
//! and leaves nothing half made: opening again goes on from what is on disk.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use nautilus_identity::Identity;
use nautilus_kinesis::{Fault, FaultAction};
use nautilus_log::{Clock, SystemClock, SystemRng};
use nautilus_server::{Config, Drained, Limits, Server, Services, Socket};
use tokio::{sync::oneshot, task::JoinHandle};
use tracing_subscriber::EnvFilter;

use super::{
    banner,
    engine::{self, Engine},
    failure::{self, Failure, IO, SOFTWARE, UNAVAILABLE, USAGE},
    initial,
    provision::Operator,
    say,
    signals::Signals,
};
use crate::{
    apply::{self, Report},
    config::{Foreign, ServeArgs},
};

/// Runs the server; returns when it has ended in order.
pub(super) fn run(mut args: ServeArgs) -> Result<(), Failure> {
    args.check()?;
    let foreign = Foreign::read(&mut args, |name| std::env::var(name).ok())?;
    start_log(&args.log)?;
    tell_bugs_in_a_sentence();
    let descriptors = raised_descriptor_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name("nautilus-http")
        .enable_all()
        .build()
        .map_err(|error| Failure::new(IO, format!("threads cannot be started: {error}")))?;
    let result = runtime.block_on(serve(&args, &foreign, descriptors));
    runtime.shutdown_timeout(Duration::from_millis(100));
    result
}

async fn serve(args: &ServeArgs, foreign: &Foreign, descriptors: u64) -> Result<(), Failure> {
    let mut signals = Signals::register()
        .map_err(|error| Failure::new(IO, format!("signals cannot be received: {error}")))?;
    let directory = engine::directory(args)?;
    let socket = Socket::bind(args.listen).map_err(|error| port_failure(args, &error))?;
    let address = socket.address();

    let clock = Arc::new(SystemClock::default());
    let engine = Engine::open(
        directory,
        Arc::clone(&clock) as Arc<dyn Clock>,
        args,
        public_url(args, address),
    )?;
    let server =
        Server::new(socket, server_config(args, descriptors), services(args, &engine, clock));
    let handle = server.handle();
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(server.run(async {
        let _ = stopped.await; // a dropped sender stops it too
    }));

    say(&banner::started(args, address));
    say(&banner::foreign(foreign));
    inject(foreign, &engine)?;
    let ended = tokio::select! {
        biased;
        () = signals.next() => Ok(()),
        reason = engine.failed() => Err(reason),
        failure = async {
            initial::make(&args.stream, &engine).await?;
            let report = provision(args, &engine).await?;
            if let Some(report) = &report {
                say(&banner::provisioned(args, report));
            }
            say(&banner::next_steps(address, report.as_ref()));
            handle.set_ready(true);
            std::future::pending::<Result<(), Failure>>().await
        } => failure,
    };

    signals.end_at_the_next();
    drop(stop);
    stop_all(running, engine, ended).await
}

/// Lets requests finish, then closes the engine. Why it ended stays the reason, whatever happens on the way.
async fn stop_all(
    running: JoinHandle<Drained>,
    engine: Engine,
    ended: Result<(), Failure>,
) -> Result<(), Failure> {
    if ended.is_ok() {
        say("\nStopping\n");
    }
    let drained = running.await;
    let closed = engine.close().await;
    ended?;
    closed?;
    match drained {
        Ok(Drained { unanswered: 0, .. }) => Ok(()),
        Ok(Drained { unanswered, .. }) => Err(Failure::new(
            IO,
            format!(
                "{unanswered} requests got no answer in time; their writes may or may not be there"
            ),
        )),
        Err(error) => Err(Failure::new(SOFTWARE, format!("the server ended early: {error}"))),
    }
}

/// A share of written records fails, as LocalStack does it.
fn inject(foreign: &Foreign, engine: &Engine) -> Result<(), Failure> {
    let Some(percentage) = foreign.error_percentage else { return Ok(()) };
    let fault = Fault {
        action: FaultAction::ProvisionedThroughput,
        stream: None,
        shard: None,
        operations: vec!["PutRecord".to_owned(), "PutRecords".to_owned()],
        percentage,
        duration_ms: None,
        seed: None,
    };
    let added = engine.kinesis().faults().add(fault);
    added.map(|_| ()).map_err(|sentence| Failure::new(USAGE, sentence))
}

async fn provision(args: &ServeArgs, engine: &Engine) -> Result<Option<Report>, Failure> {
    let Some(dir) = &args.apply else { return Ok(None) };
    let options = apply::Options {
        dir: dir.clone(),
        vars: args.var.clone(),
        apply_changes: args.apply_changes,
        environment: std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect(),
    };
    let identity = Identity::dev();
    let connect = |region: &str| Operator::new(engine, &identity, region);
    apply::run(&options, connect).await.map(Some).map_err(|error| {
        let hint = match error.is_half_way() {
            false => "nothing was changed; correct the module and start again",
            true => {
                "what was made before this stays; correct it and start again, the rest is made then"
            }
        };
        Failure::with_hint(failure::CONFIG, error.to_string(), hint)
    })
}

/// Where others find this server.
fn public_url(args: &ServeArgs, address: SocketAddr) -> String {
    args.public_url.clone().unwrap_or_else(|| format!("http://{address}"))
}

fn server_config(args: &ServeArgs, descriptors: u64) -> Config {
    Config {
        allowed_hosts: args.allowed_host.clone(),
        allowed_origins: args.allowed_origin.clone(),
        limits: Limits::default().within_descriptors(descriptors),
    }
}

fn services(args: &ServeArgs, engine: &Engine, clock: Arc<SystemClock>) -> Services {
    Services {
        kinesis: engine.kinesis(),
        cloudwatch: engine.cloudwatch(),
        sns: engine.sns(),
        journal: engine.journal(),
        identity: Identity::dev(),
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        rng: Arc::new(SystemRng),
        test_clock: args.test_clock.then_some(clock),
        faults: args.dev,
    }
}

fn port_failure(args: &ServeArgs, error: &io::Error) -> Failure {
    let (listen, port) = (args.listen, args.listen.port());
    let hint = match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!(
                "another program has the port: stop it, or choose one with `--listen {}:{}`",
                listen.ip(),
                port ^ 1
            )
        }
        io::ErrorKind::AddrNotAvailable => {
            "this machine has no such address: try `--listen 127.0.0.1:4566`".to_owned()
        }
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 belong to root: try `--listen 127.0.0.1:4566`".to_owned()
        }
        _ => "choose another address with `--listen`".to_owned(),
    };
    Failure::with_hint(UNAVAILABLE, format!("cannot listen on {listen}: {error}"), hint)
}

fn start_log(directives: &str) -> Result<(), Failure> {
    use std::io::IsTerminal;

    let filter = EnvFilter::try_new(directives).map_err(|error| {
        Failure::with_hint(
            USAGE,
            format!("`--log {directives}` is not understood: {error}"),
            "give `error`, `warn`, `info`, `debug`, or directives like `nautilus_log=debug`",
        )
    })?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal() && failure::colors_are_wanted())
        .init();
    Ok(())
}

/// A panic is a bug of ours. The journal is made for ends like this one; going on in an unknown state is not.
fn tell_bugs_in_a_sentence() {
    std::panic::set_hook(Box::new(|info| {
        let payload = info.payload();
        let what = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let what = what.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default();
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let failure = Failure::with_hint(
            SOFTWARE,
            format!("this is a bug in Nautilus: {what} ({place})"),
            "what was answered is safe; please report this",
        );
        failure.tell();
        std::process::exit(i32::from(SOFTWARE));
    }));
}

/// Each connection is a descriptor, and many systems give a process few of them unless it asks. How many it may have.
fn raised_descriptor_limit() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.map_or(65_536, |maximum| maximum.min(65_536));
    if current.is_some_and(|current| current < wanted) {
        let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum });
        match raised {
            Ok(()) => return wanted,
            Err(error) => tracing::debug!(%error, wanted, "descriptor limit stays as it is"),
        }
    }
    current.unwrap_or(u64::MAX)
}
