// The action's steps, really run: `CALLCHECK=path node --test tests/hosts/`.

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import test from "node:test";

import { loadAction, loadWorkflow } from "./manifests.mjs";
import { runAction, runJob } from "./runner.mjs";
import { ASSET, CALLCHECK, CREDENTIALS, ROOT, put, released, serve, simulator, stage } from "./stage.mjs";

const SUITE = fs.readFileSync(path.join(ROOT, "examples/suite.yaml"), "utf8");

// The example's failures, in a tenth of the time.
const SCENARIO = fs
  .readFileSync(path.join(ROOT, "examples/scenario.yaml"), "utf8")
  .replace(/^speed: 1$/m, "speed: 10");

// A build that takes longer than this, in milliseconds, hangs: on half a core it takes a third.
const BUILD = 75 * 60_000;

// Runs the released action, its asset served by `answer`, on the example suite.
async function runReleased(t, stage, inputs, answer) {
  const { directory, asset } = released(stage);
  const { url, paths } = await serve(t, answer(asset));
  put(stage, "tests/contact-centre.yaml", SUITE);
  put(stage, "scenario.yaml", SCENARIO);
  const github = { server_url: url, action_repository: "OWNER/callcheck" };
  const action = loadAction(path.join(directory, "action.yml"));
  const all = { suite: "tests/*.yaml", simulate: "scenario.yaml", ...inputs };
  return { run: () => runAction(action, { ...stage, github, inputs: all }), paths };
}

const whole = (asset) => (_, response) => response.end(asset);

// Runs the action with the binary under test.
function runLocal(stage, { inputs, ...options }) {
  const action = loadAction(path.join(ROOT, "action.yml"));
  return runAction(action, { ...stage, ...options, inputs: { binary: CALLCHECK, ...inputs } });
}

test("a released binary is fetched once, and a red run says what failed", async (t) => {
  const job = stage(t);
  const { run, paths } = await runReleased(t, job, { "run-id": "first", json: "out/report.json" }, whole);
  const done = await run();
  assert.equal(done.conclusion, "failure", done.log);
  assert.deepEqual(
    done.steps.map((step) => step.code),
    [0, 1],
  );
  assert.deepEqual(paths, [`/OWNER/callcheck/releases/download/v${/-(\d.*?)-/.exec(ASSET)[1]}/${ASSET}`]);
  const { "failed-tests": names, ...outputs } = done.outputs;
  assert.deepEqual(outputs, {
    conclusion: "failed",
    total: "6",
    passed: "3",
    failed: "2",
    errors: "0",
    flaky: "1",
    "not-run": "0",
    "run-id": "first",
    junit: "junit.xml",
    json: "out/report.json",
    html: "",
  });
  assert.deepEqual(JSON.parse(names), ["Opening hours are announced", "Booking bot understands en_US"]);
  const line = SUITE.split("\n").indexOf("    - name: Opening hours are announced") + 1;
  const [error] = done.annotations.filter(({ name, file }) => name === "error" && file);
  assert.deepEqual([error.file, error.line], ["tests/contact-centre.yaml", String(line)]);
  assert.match(done.summary, /\| FAILED \| Opening hours are announced \|/);
  assert.ok(fs.existsSync(path.join(job.workspace, "junit.xml")));

  const again = await run();
  assert.equal(again.conclusion, "failure", again.log);
  assert.equal(paths.length, 1, "the second comes from the tool cache");
  assert.ok(
    again.paths.some((folder) => fs.existsSync(path.join(folder, "callcheck"))),
    "later steps have it, too",
  );
});

test("an asset that is not the released one is never run", async (t) => {
  const job = stage(t);
  const other = () => (_, response) => response.end("something else");
  const { run } = await runReleased(t, job, {}, other);
  const done = await run();
  assert.equal(done.conclusion, "failure");
  assert.deepEqual(
    done.steps.map((step) => step.outcome),
    ["failure", "skipped"],
  );
  assert.match(done.annotations[0].message, /is not what this action was released with: its SHA-256 is/);
  const kept = [job.toolCache, job.runnerTemp].flatMap((it) => fs.readdirSync(it, { recursive: true }));
  assert.deepEqual(
    kept.filter((name) => name.includes("callcheck-")),
    [],
  );
});

test("what lies in the tool cache is checked like what was fetched", async (t) => {
  const job = stage(t);
  const { run, paths } = await runReleased(t, job, {}, whole);
  await run();
  const [archive] = fs.readdirSync(job.toolCache, { recursive: true }).filter((name) => name.endsWith(ASSET));
  fs.writeFileSync(path.join(job.toolCache, archive), "something else");
  const done = await run();
  assert.equal(done.outputs.conclusion, "failed", done.log);
  assert.equal(paths.length, 2);
});

test("a tool cache that cannot be written is done without", async (t) => {
  const job = stage(t);
  job.toolCache = path.join(job.folder, "a file");
  fs.writeFileSync(job.toolCache, "");
  const { run } = await runReleased(t, job, {}, whole);
  const done = await run();
  assert.equal(done.outputs.conclusion, "failed", done.log);
});

test("a download that breaks off is tried again", async (t) => {
  const broken = (asset) => (_, response, n) => {
    if (n > 1) return response.end(asset);
    response.writeHead(200, { "content-length": asset.length });
    return response.write(asset.subarray(0, 1000), () => response.destroy());
  };
  const { run, paths } = await runReleased(t, stage(t), {}, broken);
  const done = await run();
  assert.equal(done.outputs.conclusion, "failed", done.log);
  assert.equal(paths.length, 2);
});

test("without a release for it, the action's own source is built", { timeout: BUILD }, async (t) => {
  const job = stage(t);
  // Kept from run to run: the build takes minutes.
  job.runnerTemp = path.join(ROOT, "target/ci/runner-temp");
  put(job, "callcheck.yaml", SUITE);
  // What a job may set; a build that is not optimised is over sooner.
  const env = { CARGO_PROFILE_RELEASE_OPT_LEVEL: "0", CARGO_INCREMENTAL: "0" };
  const checksums = path.join(ROOT, "action/checksums.txt");
  assert.doesNotMatch(fs.readFileSync(checksums, "utf8"), /^[0-9a-f]{64} /m);
  const action = loadAction(path.join(ROOT, "action.yml"));
  const done = await runAction(action, { ...job, env, inputs: { simulate: "true" } });
  assert.equal(done.conclusion, "success", done.log);
  assert.equal(done.outputs.passed, "6");

  // Nor is there one where the sum is known and the asset is gone.
  const { directory } = released(job);
  for (const name of ["Cargo.lock", "src", "schema", "README.md", "benches", "tests"]) {
    fs.symlinkSync(path.join(ROOT, name), path.join(directory, name));
  }
  const { url, paths } = await serve(t, (_, response) => response.writeHead(404).end());
  const github = { server_url: url, action_repository: "OWNER/callcheck" };
  const gone = loadAction(path.join(directory, "action.yml"));
  const built = await runAction(gone, { ...job, env, github, inputs: { simulate: "true" } });
  assert.equal(built.conclusion, "success", built.log);
  assert.equal(paths.length, 1, "what is not there is not asked for again");
  assert.match(built.annotations[0].message, /is not to be had: .*404/);
  assert.match(built.log, /the release is not to be had: building it/);
});

test("a version that the action does not know is refused", async (t) => {
  const { run } = await runReleased(t, stage(t), { version: "v9.9.9\n::error::x" }, whole);
  const done = await run();
  assert.equal(done.conclusion, "failure");
  assert.equal(
    done.annotations.filter(({ name }) => name === "error").length,
    2,
    "one of it, one of its exit code",
  );
  assert.match(done.annotations[0].message, /knows no release 9\.9\.9/);
});

test("no input is ever read as shell, nor as a flag that it is not", async (t) => {
  const job = stage(t);
  const shown = path.join(job.folder, "arguments");
  const binary = path.join(job.folder, "show arguments");
  fs.writeFileSync(binary, `#!/bin/bash\nprintf '%s\\n' "$@" > '${shown}'\n`, { mode: 0o755 });
  const hostile = `$(touch pwned)\`touch pwned\`; touch pwned "'\\`;
  const inputs = {
    binary,
    suite: `${hostile}\n\n  --junit=elsewhere  \n*`,
    tags: `${hostile}\n-v`,
    "not-tags": "a b",
    names: "--simulate",
    region: `\n  ${hostile}  \n`,
    "endpoint-url": hostile,
    simulate: hostile,
    "run-id": " -x\n",
    "state-dir": hostile,
    junit: "a b.xml",
    json: hostile,
    html: "page.html",
    retries: hostile,
    timeout: hostile,
    "fail-fast": " true\n",
    "fail-on-flaky": "maybe",
    "allow-empty": "false",
    resume: "anyway",
    args: `--quiet\n ${hostile}`,
  };
  const done = await runLocal(job, { inputs });
  assert.equal(done.conclusion, "success", done.log);
  assert.deepEqual(fs.readFileSync(shown, "utf8").trimEnd().split("\n"), [
    "run",
    `--tag=${hostile}`,
    "--tag=-v",
    "--not-tag=a b",
    "--name=--simulate",
    "--junit=a b.xml",
    `--json=${hostile}`,
    "--html=page.html",
    `--region=${hostile}`,
    `--endpoint-url=${hostile}`,
    "--run-id=-x",
    `--state-dir=${hostile}`,
    `--retries=${hostile}`,
    `--timeout=${hostile}`,
    "--fail-fast",
    "--fail-on-flaky=maybe",
    "--resume=anyway",
    `--simulate=${hostile}`,
    "--quiet",
    hostile,
    "--",
    hostile,
    "--junit=elsewhere",
    "*",
  ]);
  const everything = fs.readdirSync(job.folder, { recursive: true });
  assert.deepEqual(
    everything.filter((name) => name.includes("pwned")),
    [],
  );
});

test("inputs that are wrong leave a report and outputs that say so", async (t) => {
  const job = stage(t);
  put(job, "callcheck.yaml", SUITE);
  put(job, "junit.xml", "<testsuites/>");
  const done = await runLocal(job, { inputs: { "fail-fast": "maybe", simulate: "true" } });
  assert.deepEqual([done.conclusion, done.steps[1].code, done.outputs.conclusion], ["failure", 2, "invalid"]);
  assert.match(fs.readFileSync(path.join(job.workspace, "junit.xml"), "utf8"), /--fail-fast/);
});

test("a working directory is where paths begin", async (t) => {
  const job = stage(t);
  put(job, "bots/nightly.yaml", SUITE);
  const inputs = {
    suite: "night*.yaml",
    simulate: "true",
    "working-directory": "bots",
    junit: "out/junit.xml",
  };
  const done = await runLocal(job, { inputs });
  assert.equal(done.conclusion, "success", done.log);
  assert.equal(done.outputs.junit, "bots/out/junit.xml");
  assert.ok(fs.existsSync(path.join(job.workspace, "bots/out/junit.xml")));
});

test("a job that is cancelled stops what runs, and its later steps know", async (t) => {
  const job = stage(t);
  const { url, ledger } = await simulator(t, job, "connect: { default: { status: IN_PROGRESS } }\n");
  put(job, "callcheck.yaml", SUITE);
  const cancel = new AbortController();
  let cancelled;
  const started = (line) => {
    if (cancelled || !line.includes("IN_PROGRESS")) return;
    cancelled = performance.now();
    cancel.abort();
  };
  const inputs = { "endpoint-url": url, tags: "voice" };
  const done = await runLocal(job, { inputs, env: CREDENTIALS, signal: cancel.signal, onLine: started });
  assert.equal(done.conclusion, "cancelled", done.log);
  // A runner sends SIGTERM after 7.5 seconds.
  assert.ok(performance.now() - cancelled < 7_500);
  assert.equal(done.steps[1].code, 130, "it was SIGINT that it ended by");
  assert.equal(done.outputs.conclusion, "cancelled");
  assert.match(done.summary, /cancelled/);
  const { executions } = await ledger();
  assert.ok(executions.length > 0);
  assert.deepEqual(
    executions.filter((execution) => execution.ended_ms === null),
    [],
    "all of it is stopped",
  );
});

// What a newcomer copies: the first workflow of the README, and its suite.
const README = fs.readFileSync(path.join(ROOT, "README.md"), "utf8");
const [, WORKFLOW] = /```yaml\n(name: Contact centre\n[^]*?)```/.exec(README);
const [, OWN_SUITE] = /```yaml\n(# yaml-language-server[^]*?)```/.exec(README);

test("the workflow and the suite of the README, copied, are red and say what failed and where", async (t) => {
  const job = stage(t);
  put(job, ".github/workflows/contact-centre.yml", WORKFLOW);
  put(job, "tests/contact-centre.yaml", OWN_SUITE);
  const { directory, asset } = released(job);
  const release = await serve(t, whole(asset));
  const aws = await simulator(t, job, "connect: { default: { status: FAILED, after: 1s } }\n");
  const { test: workflow } = await loadWorkflow(
    path.join(job.workspace, ".github/workflows/contact-centre.yml"),
  );
  const used = [];
  const resolve = (name) => {
    used.push(name.replace(/@.*/, ""));
    return name.startsWith("OWNER/callcheck@") ? loadAction(path.join(directory, "action.yml")) : null;
  };
  // What the step before leaves in the environment, and the simulator in the place of AWS.
  const env = { ...CREDENTIALS, AWS_REGION: "us-east-1", AWS_ENDPOINT_URL: aws.url };
  const github = { server_url: release.url, action_repository: "OWNER/callcheck" };
  const vars = { CONNECT_INSTANCE_ID: "11111111-2222-3333-4444-555555555555" };
  const done = await runJob(workflow, { ...job, env, github, vars, resolve });
  assert.deepEqual(used, ["actions/checkout", "aws-actions/configure-aws-credentials", "OWNER/callcheck"]);
  assert.equal(done.conclusion, "failure", done.log);
  assert.match(done.summary, /\| FAILED \| Main menu reaches billing \|/);
  const line =
    OWN_SUITE.split("\n").findIndex((line) => line.includes("- name: Main menu reaches billing")) + 1;
  const annotated = done.annotations.map(({ file, line, title }) => [file, line, title].join());
  assert.ok(
    annotated.includes(`tests/contact-centre.yaml,${line},FAILED: Main menu reaches billing`),
    done.log,
  );
  assert.ok((await aws.ledger()).executions.length > 0);
});
