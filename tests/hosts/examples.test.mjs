// What is copied from examples/ci, run: the jobs as each host hands them to a shell, GitLab's by a runner of
// its jobs, too. The release is on loopback, and the simulator stands in for AWS.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import test from "node:test";

import { junit, scripts, variables } from "./scripts.mjs";
import { CREDENTIALS, ROOT, put, released, serve, simulator, stage } from "./stage.mjs";

const SUITE = fs.readFileSync(path.join(ROOT, "examples/suite.yaml"), "utf8");
const SCENARIO = fs
  .readFileSync(path.join(ROOT, "examples/scenario.yaml"), "utf8")
  .replace(/^speed: 1$/m, "speed: 10");

// What the machines of the hosts have of their own.
const COMMANDS = {
  aws: "exit 0",
  "buildkite-agent": "echo token",
};

// What a host sets, beside what its file does.
const SET = {
  gitlab: { CI_PIPELINE_ID: "17", CI_JOB_ID: "18", AWS_ID_TOKEN: "token" },
  jenkins: { BUILD_NUMBER: "17" },
  azure: { BUILD_BUILDID: "17", SYSTEM_JOBATTEMPT: "1", SYSTEM_ACCESSTOKEN: "token" },
  circleci: { CIRCLE_BUILD_NUM: "17", CIRCLE_OIDC_TOKEN_V2: "token" },
  buildkite: { BUILDKITE_BUILD_ID: "17", BUILDKITE_BUILD_NUMBER: "17", BUILDKITE_PIPELINE_SLUG: "calls" },
  codebuild: { CODEBUILD_BUILD_ID: "project:17" },
};

// A job's environment: a suite, a release, the simulator with a scenario, and what the host sets.
async function environment(t, job, host, scenario) {
  put(job, "callcheck.yaml", SUITE);
  const { asset } = released(job);
  const release = await serve(t, (request, response) =>
    response.end(request.url.startsWith("/token") ? '{ "oidcToken": "token" }' : asset),
  );
  const aws = await simulator(t, job, scenario);
  const commands = path.join(job.folder, "commands");
  fs.mkdirSync(commands);
  for (const [name, script] of Object.entries(COMMANDS)) {
    fs.writeFileSync(path.join(commands, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  const env = {
    ...job.baseEnv,
    ...variables(host),
    ...SET[host],
    ...CREDENTIALS,
    PATH: `${commands}:${job.baseEnv.PATH}`,
    AWS_REGION: "us-east-1",
    AWS_ENDPOINT_URL: aws.url,
    CALLCHECK_RELEASES: release.url,
    CALLCHECK_SHA256: createHash("sha256").update(asset).digest("hex"),
    // Folders that hosts name.
    WORKSPACE_TMP: job.runnerTemp,
    AGENT_TEMPDIRECTORY: job.runnerTemp,
    PIPELINE_WORKSPACE: job.workspace,
    BASH_ENV: path.join(job.runnerTemp, "bash-env"),
    SYSTEM_OIDCREQUESTURI: `${release.url}/token`,
  };
  fs.writeFileSync(env.BASH_ENV, "");
  return { env, aws };
}

// Runs a host's scripts one after another. Gives the last exit code and all that was said; `onOutput` sees
// it with the process.
async function runScripts(job, host, env, onOutput) {
  let said = "";
  let code = 0;
  const paths = [];
  for (const [number, { shell, text, after }] of scripts()[host].entries()) {
    if (code !== 0 && !after) continue;
    const file = path.join(job.runnerTemp, `script-${number}`);
    fs.writeFileSync(file, text);
    const PATH = [...paths, env.PATH].join(":");
    const [command, ...args] = shell;
    const child = spawn(command, [...args, file], {
      cwd: job.workspace,
      env: { ...env, PATH },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (data) => {
        said += data;
        onOutput?.(said, child);
      });
    }
    const ended = await new Promise((resolve) =>
      child.on("close", (code, signal) => resolve(code ?? 128 + os.constants.signals[signal])),
    );
    if (after) assert.equal(ended, 0, said);
    else code = ended;
    // How Azure's steps put a folder on the PATH.
    paths.push(...[...said.matchAll(/^##vso\[task\.prependpath\](.*)$/gm)].map((match) => match[1]));
  }
  return { code, said };
}

// The names of the cases that failed, of all reports that a host's pattern finds.
function failed(job, pattern) {
  const { dir, base } = path.parse(pattern);
  const matches = new RegExp(`^${base.replaceAll(".", "\\.").replaceAll("*", ".*")}$`);
  const folder = path.join(job.workspace, dir);
  const reports = fs.readdirSync(folder).filter((name) => matches.test(name));
  const text = reports.map((name) => fs.readFileSync(path.join(folder, name), "utf8")).join("");
  const cases = text.split("<testcase ").slice(1);
  return cases.filter((each) => each.includes("<failure ")).map((each) => /^name="([^"]*)"/.exec(each)[1]);
}

const RED = ["Opening hours are announced", "Booking bot understands en_US"];

for (const host of Object.keys(SET)) {
  test(`${host}: a red suite is a red job, and the report names what failed`, async (t) => {
    const job = stage(t);
    const { env } = await environment(t, job, host, SCENARIO);
    const { code, said } = await runScripts(job, host, env);
    assert.equal(code, 1, said);
    assert.deepEqual(failed(job, junit(host)), RED, said);
  });

  test(`${host}: a release that is another is not run`, async (t) => {
    const job = stage(t);
    const { env } = await environment(t, job, host, SCENARIO);
    const { code, said } = await runScripts(job, host, { ...env, CALLCHECK_SHA256: "0".repeat(64) });
    assert.equal(code, 1, said);
    assert.ok(!fs.existsSync(path.join(job.workspace, "reports/junit.xml")), said);
  });
}

test("a build of Jenkins's that is aborted leaves a report, and nothing that runs", async (t) => {
  const job = stage(t);
  const { env, aws } = await environment(
    t,
    job,
    "jenkins",
    "connect: { default: { status: IN_PROGRESS } }\n",
  );
  // As Jenkins does: every process of the step, children first, gets SIGTERM.
  let aborted = false;
  const abort = (said, shell) => {
    if (aborted || !said.includes("IN_PROGRESS")) return;
    aborted = true;
    const children = fs
      .readFileSync(`/proc/${shell.pid}/task/${shell.pid}/children`, "utf8")
      .trim()
      .split(" ");
    for (const pid of children) process.kill(Number(pid), "SIGTERM");
  };
  const { code, said } = await runScripts(job, "jenkins", env, abort);
  assert.equal(code, 143, said);
  assert.match(fs.readFileSync(path.join(job.workspace, "reports/junit.xml"), "utf8"), /cancelled/);
  const { executions } = await aws.ledger();
  const open = executions.filter(({ service, ended_ms: ended }) => service === "connect" && ended === null);
  assert.deepEqual(open, [], said);
});

test("gitlab-ci-local runs the copied job, and the artifact names what failed", async (t) => {
  const job = stage(t);
  const { env } = await environment(t, job, "gitlab", SCENARIO);
  const file = fs.readFileSync(path.join(ROOT, "examples/ci/gitlab-ci.yml"), "utf8");
  put(job, ".gitlab-ci.yml", file);
  put(job, ".gitignore", "/.gitlab-ci-local/\n/.callcheck/\n/reports/\n");
  const git = (...args) =>
    execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.com", ...args], {
      cwd: job.workspace,
      // Whoever runs this may have settings of his own, such as signed commits.
      env: { ...env, GIT_CONFIG_NOSYSTEM: "1" },
    });
  git("init", "--quiet", "--initial-branch=main");
  git("remote", "add", "origin", "https://gitlab.example.com/group/project.git");
  git("add", "--all");
  git("commit", "--quiet", "--message=all");
  const runner = path.join(import.meta.dirname, "node_modules/.bin/gitlab-ci-local");
  const set = ["CALLCHECK_RELEASES", "CALLCHECK_SHA256", "AWS_ID_TOKEN"].flatMap((name) => [
    "--variable",
    `${name}=${env[name]}`,
  ]);
  const args = [
    "callcheck",
    "--force-shell-executor",
    "--shell-isolation=false",
    "--variable",
    "CI_PIPELINE_SOURCE=schedule",
  ];
  const child = spawn(runner, [...args, ...set], {
    cwd: job.workspace,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (said += data));
  await new Promise((resolve) => child.on("close", resolve));
  assert.match(said, /FAIL 1/, said);
  assert.match(said, /FAILED {2}.*Opening hours are announced/s, said);
  assert.deepEqual(failed(job, junit("gitlab")), RED);
});
