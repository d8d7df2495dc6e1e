//! The simulated machine: processes that can be frozen, killed and lose power, on one thread and simulated time.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use dl_core::testing::{memory, sim};
use dl_core::{Namespace, file_uri};
use serde_json::{Value, json};

use crate::agent::{Agent, Opener, Reply, Spawner, pass};
use crate::cases::Step;
use crate::world::{World, places};

/// Simulated time after which a call hangs.
const MOST_TIME: Duration = Duration::from_secs(600);

/// The number of an I/O error on Linux.
const EIO: i32 = 5;

/// What is simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Driver {
    Memory,
    File,
}

/// See the module.
pub(crate) struct Simulated {
    driver: Driver,
    machine: sim::World,
    uri: String,
    name: String,
    processes: BTreeMap<String, Process>,
}

struct Process {
    agent: Agent,
    handle: sim::ProcessHandle,
    frozen: bool,
}

impl Simulated {
    /// A new machine for this case; the seed decides in which order tasks run.
    pub(crate) fn new(driver: Driver, case: &str, seed: u64) -> Self {
        let machine = sim::World::new(seed);
        let name = format!("{case}-{seed}");
        let uri = match driver {
            Driver::Memory => format!("memory:{name}"),
            Driver::File => file_uri(&machine.root().join("ns")).expect("the root is absolute"),
        };
        Self { driver, machine, uri, name, processes: BTreeMap::new() }
    }

    pub(crate) const fn capabilities_of(driver: Driver) -> &'static [&'static str] {
        match driver {
            Driver::Memory => &["clock", "crash", "fill", "freeze", "nul", "processes", "stall"],
            Driver::File => &[
                "clock",
                "crash",
                "damage",
                "directory",
                "faults",
                "fill",
                "freeze",
                "nul",
                "persistent",
                "power",
                "processes",
                "stall",
            ],
        }
    }

    fn process(&mut self, name: &str) -> Result<&mut Process, String> {
        self.processes.get_mut(name).ok_or_else(|| format!("there is no process {name:?}"))
    }

    fn stall(&mut self, stalled: bool) {
        match self.driver {
            Driver::Memory => memory::stall(&self.name, stalled),
            Driver::File => self.processes.values().for_each(|process| process.handle.stop_threads(stalled)),
        }
    }

    fn fill(&mut self, full: bool) {
        match self.driver {
            Driver::Memory => memory::fill(&self.name, full),
            Driver::File => self.machine.limit_disk(full.then_some(0)),
        }
    }

    fn damage(&mut self, text: &str) -> Result<(), String> {
        let mut damaged = 0;
        let files: Vec<PathBuf> = self.machine.files();
        for path in files {
            for place in places(&self.machine.content(&path), text) {
                damaged += usize::from(self.machine.damage(&path, place as u64, 1));
            }
        }
        if damaged == 0 { Err(format!("no file holds {text:?}")) } else { Ok(()) }
    }

    fn freeze(&mut self, name: &str, freeze: bool) -> Result<(), String> {
        let process = self.process(name)?;
        process.frozen = freeze;
        if freeze {
            process.handle.freeze()
        } else {
            process.handle.thaw()
        }
        Ok(())
    }
}

impl World for Simulated {
    fn capabilities(&self) -> &'static [&'static str] {
        Self::capabilities_of(self.driver)
    }

    fn uri(&self) -> String {
        self.uri.clone()
    }

    fn durability(&self) -> Value {
        match self.driver {
            Driver::Memory => json!("memory"),
            Driver::File => json!("power-loss"),
        }
    }

    async fn start(&mut self, process: &str) -> Result<(), String> {
        let (seams, handle) = self.machine.process();
        let opener: Opener = Box::new(move |uri, options| {
            let seams = seams.clone();
            Box::pin(async move { Namespace::open_with(&uri, options, seams).await })
        });
        let inside = handle.clone();
        let spawner: Spawner = Box::new(move |call| {
            let inside = inside.clone();
            spawn(async move { inside.run(call).await.ok() })
        });
        let agent = Agent::new(opener, spawner);
        self.processes.insert(process.to_owned(), Process { agent, handle, frozen: false });
        Ok(())
    }

    async fn call(&mut self, process: &str, request: &Step) -> Result<Reply, String> {
        let Process { agent, handle, frozen } = self.process(process)?;
        if *frozen {
            return Err(format!("process {process:?} is frozen and does nothing"));
        }
        tokio::select! {
            biased;
            reply = handle.run(agent.handle(request)) => reply.map_err(|killed| killed.to_string()),
            () = pass(MOST_TIME) => Err(format!("it hangs: no answer in {} s of simulated time", MOST_TIME.as_secs())),
        }
    }

    fn is_running(&self, process: &str) -> bool {
        self.processes.get(process).is_some_and(|process| !process.frozen)
    }

    async fn happen(&mut self, step: &Step) -> Result<(), String> {
        let text = |name: &str| step.get(name).and_then(Value::as_str).unwrap_or_default();
        let ms = || step.get("ms").and_then(Value::as_i64).ok_or("ms is no number");
        match text("do") {
            "crash" => {
                self.process(text("process"))?.handle.kill();
                if let Some(process) = self.processes.remove(text("process")) {
                    process.agent.end().await;
                }
            }
            "power_loss" => {
                self.machine.power_loss();
                for process in std::mem::take(&mut self.processes).into_values() {
                    process.agent.end().await;
                }
            }
            "freeze" => self.freeze(text("process"), true)?,
            "wake" => self.freeze(text("process"), false)?,
            "stall" => self.stall(true),
            "resume" => self.stall(false),
            "fail_sync" => self.machine.fail(sim::Fault::new(sim::Op::Sync, EIO).on("/journals/")),
            "fill" => self.fill(true),
            "free" => self.fill(false),
            "damage" => self.damage(text("text"))?,
            "pass_time" => pass(Duration::from_millis(ms()?.unsigned_abs())).await,
            "step_clock" => self.machine.step_wall_clock(ms()?),
            other => return Err(format!("{other} does not happen in a simulation")),
        }
        Ok(())
    }

    fn patience_ms(&self) -> u64 {
        1_000
    }

    fn story(&self) -> Vec<String> {
        if std::env::var_os("DL_CASE").is_none() {
            return Vec::new();
        }
        let story = self.machine.story();
        story[story.len().saturating_sub(20)..].to_vec()
    }
}

#[expect(clippy::disallowed_methods, reason = "the simulated process polls it, not the runtime")]
fn spawn<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> tokio::task::JoinHandle<T> {
    tokio::spawn(task)
}
