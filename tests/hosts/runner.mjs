// Runs the steps of a composite action, or of a job that uses it, as the GitHub runner does, with nothing
// of GitHub's behind it. What happens to a step follows actions/runner.

import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import readline from "node:readline";

import { keyValues, workflowCommand } from "./commands.mjs";
import { holds, mapValues, text, texts } from "./manifests.mjs";

// After a cancel the runner waits so long, in milliseconds, before it sends SIGTERM, and then before it kills.
const GRACE = [7500, 2500];

// GitHub drops a summary that is longer, whole.
const LONGEST_SUMMARY = 1 << 20;

// What all steps of a job share. Nothing of this process's environment reaches a step but `baseEnv`: no
// credentials of whoever runs this.
class Job {
  paths = [];
  log = [];
  annotations = [];

  constructor({ baseEnv, env, workspace, runnerTemp, toolCache, github, signal, onLine, platform }) {
    const arch = { x64: "X64", arm64: "ARM64" }[os.arch()];
    this.runner = { os: "Linux", arch, temp: runnerTemp, tool_cache: toolCache, ...platform };
    this.github = { workspace, server_url: "https://github.com", ...github };
    Object.assign(this, { baseEnv, env: { ...env }, signal, onLine });
    this.files = path.join(runnerTemp, "_runner_file_commands");
    fs.mkdirSync(this.files, { recursive: true });
  }

  write(line) {
    this.log.push(line);
    this.onLine?.(line);
  }

  annotate(name, message, properties) {
    this.annotations.push({ name, ...properties, message });
    this.write(`##[${name}]${message}`);
  }

  // A line that a step has printed.
  printed(line) {
    const { name, message, properties } = workflowCommand(line) ?? {};
    if (["error", "warning", "notice"].includes(name)) this.annotate(name, message, properties);
    else this.write(name ? `##[${name}]${message}` : line);
  }

  result(rest) {
    return { ...rest, log: this.log.join("\n"), annotations: this.annotations, paths: this.paths };
  }
}

const SHELLS = { bash: "bash --noprofile --norc -e -o pipefail {0}" };

// Runs a script. Gives its exit code, 128 + n for signal n.
function runShell(job, { shell, script, cwd, env, cancellable }) {
  const [command, ...args] = (SHELLS[shell] ?? shell).split(" ");
  const file = path.join(job.runner.temp, `${randomUUID()}.sh`);
  fs.writeFileSync(file, script);
  return new Promise((resolve, reject) => {
    const withFile = args.map((arg) => (arg === "{0}" ? file : arg));
    // Standard input is at its end.
    const child = spawn(command, withFile, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    const timers = [];
    const later = (milliseconds, act) => timers.push(setTimeout(act, milliseconds));
    // The shell's own process is signalled, and none below it.
    const cancel = () => {
      if (!cancellable()) return;
      child.kill("SIGINT");
      later(GRACE[0], () => child.kill("SIGTERM"));
      later(GRACE[0] + GRACE[1], () => child.kill("SIGKILL"));
    };
    job.signal?.addEventListener("abort", cancel);
    for (const input of [child.stdout, child.stderr]) {
      readline.createInterface({ input, crlfDelay: Infinity }).on("line", (line) => job.printed(line));
    }
    const finish = (code, signal) => {
      timers.forEach(clearTimeout);
      job.signal?.removeEventListener("abort", cancel);
      resolve(code ?? 128 + os.constants.signals[signal]);
    };
    child.on("error", reject).on("close", finish);
  });
}

// What a step's script finds in its environment. The contexts come last: no `env:` overrides what the
// runner sets.
function variables(job, github, env) {
  const found = { ...job.baseEnv, CI: "true", GITHUB_ACTIONS: "true", ...env };
  found.PATH = [...job.paths, found.PATH].join(":");
  for (const [key, value] of Object.entries(github)) found[`GITHUB_${key.toUpperCase()}`] = value;
  for (const [key, value] of Object.entries(job.runner)) found[`RUNNER_${key.toUpperCase()}`] = value;
  return found;
}

// Runs a step. Gives what became of it; `status` is what has become of those before.
async function runStep(job, step, { contexts, env, status, uses }) {
  const files = {};
  for (const name of ["output", "env", "path", "step_summary"]) {
    files[name] = path.join(job.files, `${name}_${randomUUID()}`);
    fs.writeFileSync(files[name], "");
  }
  const github = { ...contexts.github, ...files };
  const seen = { ...contexts, github, env: { ...job.env, ...env } };
  const result = { id: step.id, outcome: "success", code: null, outputs: {}, summary: "" };
  const fail = (message) => {
    job.annotate("error", message);
    result.outcome = "failure";
  };
  const cancelled = () => Boolean(job.signal?.aborted);
  const due = (status) => {
    if (!step.if) return status === "success";
    const is = {
      success: status === "success",
      failure: status === "failure",
      cancelled: cancelled(),
      always: true,
    };
    return holds(step.if, seen, is);
  };
  try {
    const own = texts(step.env, seen);
    Object.assign(seen.env, own);
    if (!due(uses && cancelled() ? "cancelled" : status)) {
      result.outcome = "skipped";
    } else if (step.uses) {
      Object.assign(result, await uses(step, seen, own));
    } else {
      const cwd = path.resolve(github.workspace, text(step["working-directory"], seen) ?? "");
      if (!fs.existsSync(cwd)) throw new Error(`No such working directory: '${cwd}'`);
      let interrupted = false;
      result.code = await runShell(job, {
        shell: text(step.shell, seen) ?? "bash -e {0}",
        script: text(step.run, seen),
        cwd,
        env: variables(job, github, seen.env),
        cancellable: () => (interrupted = !due("cancelled")),
      });
      // Once it is cancelled the code counts for nothing: a shell may well end cleanly.
      if (interrupted) result.outcome = "cancelled";
      else if (result.code !== 0) fail(`Process completed with exit code ${result.code}.`);
    }
  } catch (error) {
    fail(error.message);
  }
  // The files are read whatever became of the step, each by itself.
  const read = (name, use) => {
    try {
      use(fs.readFileSync(files[name], "utf8"));
    } catch (error) {
      fail(`Unable to process file command '${name}' successfully. ${error.message}`);
    }
  };
  read("output", (content) => {
    for (const [key, value] of keyValues(content)) result.outputs[key] = value;
  });
  read("env", (content) => {
    for (const [key, value] of keyValues(content)) job.env[key] = value;
  });
  read("path", (content) => job.paths.unshift(...content.split("\n").filter(Boolean).reverse()));
  read("step_summary", (content) => {
    if (Buffer.byteLength(content) > LONGEST_SUMMARY) job.annotate("error", "the summary is too long");
    else result.summary += content;
  });
  const goesOn = text(step["continue-on-error"], seen) === "true" && result.outcome === "failure";
  result.conclusion = goesOn ? "success" : result.outcome;
  return result;
}

// Runs steps, those of an action or of a job; for a job, `uses` runs a step that uses an action.
async function runSteps(job, steps, { contexts, env = {}, uses }) {
  const found = { github: job.github, runner: job.runner, ...contexts, steps: {} };
  const done = [];
  let status = "success";
  for (const step of steps) {
    const result = await runStep(job, step, { contexts: found, env, status, uses });
    const { id, outputs, outcome, conclusion } = result;
    if (["failure", "cancelled"].includes(conclusion) && status !== "failure") status = conclusion;
    if (id) found.steps[id] = { outputs, outcome, conclusion };
    done.push(result);
  }
  return {
    conclusion: status,
    steps: done,
    contexts: found,
    summary: done.map((step) => step.summary).join(""),
  };
}

async function runInJob(job, action, given, env) {
  const inputs = {};
  // The runner only warns of an input that is not declared. Here it is a mistake.
  const unknown = Object.keys(given).filter((name) => !(name in action.inputs));
  if (unknown.length) throw new Error(`the action has no input ${unknown.join(", ")}`);
  for (const [name, input] of Object.entries(action.inputs)) {
    inputs[name] = String(
      given[name] ?? text(input.default, { github: job.github, runner: job.runner }) ?? "",
    );
  }
  const contexts = { github: { ...job.github, action_path: action.directory }, inputs };
  const {
    steps,
    conclusion,
    summary,
    contexts: after,
  } = await runSteps(job, action.steps, { contexts, env });
  const outputs = mapValues(action.outputs, (token) => text(token, after));
  return { conclusion, outputs, summary, steps };
}

// Runs an action with inputs. `workspace`, `runnerTemp` and `toolCache` are folders; `baseEnv` is the
// runner's own environment; `github` and `platform` add to the contexts `github` and `runner`; `signal`,
// an AbortSignal, cancels the job; `onLine` sees each line of the log.
export async function runAction(action, { inputs = {}, ...options }) {
  const job = new Job(options);
  return job.result(await runInJob(job, action, inputs));
}

// Runs a job of a workflow. `resolve` gives the action for what a step uses, or null to pass it over.
export async function runJob({ steps }, { resolve, ...options }) {
  const job = new Job(options);
  const uses = async (step, seen, own) => {
    const action = resolve(text(step.uses, seen));
    if (!action) return {};
    const { conclusion: outcome, ...rest } = await runInJob(job, action, texts(step.with, seen), own);
    return { outcome, ...rest };
  };
  return job.result(await runSteps(job, steps, { contexts: { vars: options.vars ?? {} }, uses }));
}
