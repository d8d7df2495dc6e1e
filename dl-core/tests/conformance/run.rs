//! Runs a case in a world, step by step.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::agent::Reply;
use crate::audit::Ledger;
use crate::cases::{Case, Step};
use crate::language::{self, Kind};
use crate::matching::{brief, matches};
use crate::values::{self, Variables};
use crate::world::World;

/// Runs a case.
///
/// # Errors
/// Says at which step what was not as expected.
pub(crate) async fn run<W: World>(world: &mut W, case: &Case) -> Result<(), String> {
    let mut variables = Variables::default();
    variables.bind("uri", json!(world.uri()));
    variables.bind("durability", world.durability());
    let mut runner = Runner {
        world,
        variables,
        owners: BTreeMap::new(),
        logs: BTreeMap::new(),
        calls: BTreeMap::new(),
        ledger: Ledger::default(),
    };
    let ended = runner.steps(case).await;
    ended.map_err(|failure| {
        let story = runner.world.story();
        if story.is_empty() {
            failure
        } else {
            format!("{failure}\n    boundaries:\n      {}", story.join("\n      "))
        }
    })
}

struct Runner<'a, W> {
    world: &'a mut W,
    variables: Variables,
    /// The process of each handle.
    owners: BTreeMap<String, String>,
    /// The log of each handle.
    logs: BTreeMap<String, String>,
    calls: BTreeMap<String, Started>,
    ledger: Ledger,
}

/// A call in flight, or as many as its step was repeated.
struct Started {
    process: String,
    requests: Vec<Step>,
}

impl<W: World> Runner<'_, W> {
    async fn steps(&mut self, case: &Case) -> Result<(), String> {
        if case.opens {
            self.step(&object(json!({ "do": "open" })))
                .await
                .map_err(|failure| format!("opening p: {failure}"))?;
        }
        for (number, step) in (1..).zip(&case.steps) {
            let name = step.get("do").and_then(Value::as_str).unwrap_or_default();
            self.step(step).await.map_err(|failure| format!("step {number} ({name}): {failure}"))?;
        }
        if case.audit { self.audit().await.map_err(|failure| format!("audit: {failure}")) } else { Ok(()) }
    }

    async fn step(&mut self, step: &Step) -> Result<(), String> {
        let kind =
            step.get("do").and_then(Value::as_str).and_then(language::kind).ok_or("there is no such step")?;
        let repeat = step.get("repeat").map_or(Some(1), Value::as_u64).ok_or("repeat is no number")?;
        let mut results = Vec::new();
        for i in 0..repeat {
            let place = |failure| if repeat > 1 { format!("time {i}: {failure}") } else { failure };
            if kind.is_call {
                results.push(self.call(kind, step, i).await.map_err(place)?);
            } else {
                let resolved =
                    self.variables.counting(i).resolve(&Value::Object(step.clone())).map_err(place)?;
                self.happen(&object(resolved)).await.map_err(place)?;
            }
        }
        if let Some(name) = step.get("as").and_then(Value::as_str)
            && !language::OPENERS.contains(&kind.name)
        {
            let result =
                if step.contains_key("repeat") { Value::Array(results) } else { results.swap_remove(0) };
            self.variables.bind(name, result);
        }
        Ok(())
    }

    async fn happen(&mut self, step: &Step) -> Result<(), String> {
        let process = step.get("process").and_then(Value::as_str);
        match step.get("do").and_then(Value::as_str) {
            Some("crash") => self.calls.retain(|_, call| Some(call.process.as_str()) != process),
            Some("power_loss") => self.calls.clear(),
            Some("damage") => self.ledger.forgive(),
            _ => {}
        }
        self.world.happen(step).await
    }

    /// Does a call once and compares what it answers.
    async fn call(&mut self, kind: &Kind, step: &Step, i: u64) -> Result<Value, String> {
        match kind.name {
            "await" | "retry" => return self.await_calls(kind, step).await,
            "cancel" | "still_pending" => return self.ask_calls(kind, step).await,
            _ => {}
        }
        let expected = self.expected(step, i)?;
        let mut step = step.clone();
        let repeated = step.contains_key("repeat");
        step.retain(|name, _| {
            !["about", "repeat", "expect", "expect_error", "or_error"].contains(&name.as_str())
        });
        let mut step = object(self.variables.counting(i).resolve(&Value::Object(step))?);
        let process = self.prepare(kind, &mut step)?;
        if let Some(name) = step.get("start").and_then(Value::as_str).map(str::to_owned) {
            return self.start(process, name, step, repeated).await;
        }
        if kind.name == "open" && !self.world.is_running(&process) {
            self.world.start(&process).await?;
        }
        self.ledger.will(&step);
        let reply = self.world.call(&process, &step).await?;
        self.ledger.did(&step, &reply)?;
        expected.check(reply)
    }

    /// Brings a request into the form agents take; answers the process that is to have it.
    fn prepare(&mut self, kind: &Kind, step: &mut Step) -> Result<String, String> {
        let text = |step: &Step, name: &str| step.get(name).and_then(Value::as_str).map(str::to_owned);
        let process = match text(step, "on") {
            Some(handle) => {
                self.owners.get(&handle).cloned().ok_or_else(|| format!("there is no handle {handle:?}"))?
            }
            None => text(step, "process").unwrap_or_else(|| "p".to_owned()),
        };
        step.remove("process");
        if let Some(handle) = text(step, "on") {
            // For the ledger; an agent knows.
            if let Some(log) = self.logs.get(&handle) {
                step.insert("log".to_owned(), json!(log));
            }
        } else if kind.optional.contains(&"log") {
            step.entry("log").or_insert_with(|| json!("a"));
        }
        if language::OPENERS.contains(&kind.name)
            && let Some(name) = text(step, "as")
        {
            self.owners.insert(name.clone(), process.clone());
            self.logs.insert(name, text(step, "log").unwrap_or_default());
        }
        match kind.name {
            "open" => {
                step.entry("uri").or_insert_with(|| json!(self.world.uri()));
                let options = step.entry("options").or_insert_with(|| json!({}));
                let options = options.as_object_mut().ok_or("options is no table")?;
                options.entry("client_id").or_insert_with(|| json!(process));
                options.entry("journal_bytes").or_insert_with(|| json!("4MiB"));
            }
            "append" | "try_append" => {
                let record = values::new_record(step.get("record").ok_or("record is missing")?)?;
                step.insert("record".to_owned(), record);
            }
            "append_many" | "append_batch" | "append_record_set" => {
                let records = step.get("records").and_then(Value::as_array).ok_or("records is no list")?;
                let records = records.iter().map(values::new_record).collect::<Result<Value, _>>()?;
                step.insert("records".to_owned(), records);
            }
            "set_user_metadata" | "write" => {
                let data = values::payload(step.get("data").ok_or("data is missing")?)?
                    .ok_or("data is no payload")?;
                step.insert("data".to_owned(), json!(data));
            }
            _ => {}
        }
        Ok(process)
    }

    async fn start(
        &mut self,
        process: String,
        name: String,
        mut step: Step,
        repeated: bool,
    ) -> Result<Value, String> {
        let place = self.calls.get(&name).map_or(0, |started| started.requests.len());
        if place > 0 && !repeated {
            return Err(format!("a call {name:?} is in flight already"));
        }
        step.insert("start".to_owned(), json!(format!("{name}/{place}")));
        self.ledger.will(&step);
        let started = Started { process: process.clone(), requests: Vec::new() };
        self.calls.entry(name).or_insert(started).requests.push(step.clone());
        match self.world.call(&process, &step).await? {
            Reply::Ok(value) => Ok(value),
            other => Err(format!("it could not be started: {other:?}")),
        }
    }

    /// What a step expects of its `i`th call.
    fn expected(&self, step: &Step, i: u64) -> Result<Expected, String> {
        let variables = self.variables.counting(i);
        let expected = |name: &str| step.get(name).map(|value| variables.resolve(value)).transpose();
        Ok(Expected {
            value: expected("expect")?,
            error: expected("expect_error")?,
            or_error: expected("or_error")?,
        })
    }

    /// Awaits each call that was started under a name, or gives it up and awaits it anew.
    async fn await_calls(&mut self, kind: &Kind, step: &Step) -> Result<Value, String> {
        let name = step.get("call").and_then(Value::as_str).unwrap_or_default();
        let started = self.calls.remove(name).ok_or_else(|| format!("no call {name:?} is in flight"))?;
        let mut results = Vec::new();
        for (i, request) in (0..).zip(&started.requests) {
            let expected = self.expected(step, i)?;
            let mut ask = object(json!({ "do": kind.name, "call": format!("{name}/{i}") }));
            if kind.name == "retry" {
                let mut again = request.clone();
                again.remove("start");
                ask.insert("again".to_owned(), Value::Object(again));
            }
            let reply = self.world.call(&started.process, &ask).await?;
            self.ledger.did(request, &reply)?;
            results.push(expected.check(reply).map_err(|failure| format!("call {i}: {failure}"))?);
        }
        Ok(if results.len() == 1 { results.swap_remove(0) } else { Value::Array(results) })
    }

    /// Cancels each call that was started under a name, or asks whether it is pending.
    async fn ask_calls(&mut self, kind: &Kind, step: &Step) -> Result<Value, String> {
        let name = step.get("call").and_then(Value::as_str).unwrap_or_default();
        let started = self.calls.get(name).ok_or_else(|| format!("no call {name:?} is in flight"))?;
        let (process, count) = (started.process.clone(), started.requests.len());
        let pending = kind.name == "still_pending";
        if !pending {
            self.calls.remove(name);
        }
        for i in 0..count {
            let patience = self.world.patience_ms();
            let ask = json!({ "do": kind.name, "call": format!("{name}/{i}"), "patience_ms": patience });
            match self.world.call(&process, &object(ask)).await? {
                Reply::Ok(value) if pending && value != json!(true) => {
                    return Err(format!("call {i} has ended"));
                }
                Reply::Ok(_) => {}
                other => return Err(format!("{other:?}")),
            }
        }
        Ok(json!({}))
    }

    /// Looks for what was acknowledged.
    async fn audit(&mut self) -> Result<(), String> {
        let persistent = self.world.capabilities().contains(&"persistent");
        let known: Vec<String> = self.owners.values().cloned().chain(["p".to_owned()]).collect();
        if !persistent && !known.iter().any(|process| self.world.is_running(process)) {
            return Ok(());
        }
        let logs = self.ledger.logs();
        if logs.is_empty() {
            return Ok(());
        }
        self.step(&object(json!({ "do": "open", "process": "auditor" }))).await?;
        for log in logs {
            let ask = json!({ "do": "read", "log": log, "options": { "on_truncated": "skip" } });
            match self.world.call("auditor", &object(ask)).await? {
                Reply::Ok(read) => {
                    self.ledger.audit(&log, &read).map_err(|failure| format!("log {log}: {failure}"))?
                }
                other => return Err(format!("log {log} cannot be read: {other:?}")),
            }
        }
        Ok(())
    }
}

/// What a call is to answer.
struct Expected {
    value: Option<Value>,
    error: Option<Value>,
    or_error: Option<Value>,
}

impl Expected {
    /// The result, if it is as expected; of an error, the error.
    fn check(&self, reply: Reply) -> Result<Value, String> {
        match reply {
            Reply::Wrong(wrong) => Err(wrong),
            Reply::Ok(value) => {
                if let Some(error) = &self.error {
                    return Err(format!("expected the error {}, got {}", brief(error), brief(&value)));
                }
                if let Some(expected) = &self.value {
                    matches(expected, &value)?;
                }
                Ok(value)
            }
            Reply::Error(error) => {
                let Some(expected) = self.error.as_ref().or(self.or_error.as_ref()) else {
                    return Err(format!("it failed: {}", brief(&error)));
                };
                let expected =
                    if expected.is_string() { json!({ "kind": expected }) } else { expected.clone() };
                matches(&expected, &error)
                    .map_err(|failure| format!("{failure}, in the error {}", brief(&error)))?;
                Ok(error)
            }
        }
    }
}

fn object(value: Value) -> Step {
    match value {
        Value::Object(fields) => fields,
        _ => Step::new(),
    }
}
