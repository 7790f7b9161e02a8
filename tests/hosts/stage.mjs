// What the action's tests stand on: a job's folders, a release on loopback, the simulator.

import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import readline from "node:readline";

export const ROOT = path.resolve(import.meta.dirname, "../..");

// The binary under test: what a release would hold.
export const CALLCHECK = path.resolve(ROOT, process.env.CALLCHECK ?? "target/debug/callcheck");

const VERSION = /^version = "(.*)"$/m.exec(fs.readFileSync(path.join(ROOT, "Cargo.toml"), "utf8"))[1];

const TARGET = { x64: "x86_64", arm64: "aarch64" }[os.arch()] + "-unknown-linux-musl";

export const ASSET = `callcheck-${VERSION}-${TARGET}.tar.gz`;

// The folders of a job, which are taken away when the test `t` is over.
export function stage(t) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "callcheck-action-"));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  const of = (name) => {
    fs.mkdirSync(path.join(folder, name));
    return path.join(folder, name);
  };
  // A space, as the names of folders may have.
  const options = { workspace: of("work space"), runnerTemp: of("temp"), toolCache: of("tools") };
  const { PATH, CARGO_HOME, RUSTUP_HOME, HOME } = process.env;
  const rust = {
    CARGO_HOME: CARGO_HOME ?? path.join(HOME, ".cargo"),
    RUSTUP_HOME: RUSTUP_HOME ?? path.join(HOME, ".rustup"),
  };
  const baseEnv = { PATH, HOME: of("home"), AWS_EC2_METADATA_DISABLED: "true", ...rust };
  return { ...options, baseEnv, folder };
}

// Puts a file into the workspace.
export function put(stage, name, text) {
  const file = path.join(stage.workspace, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text);
}

// A copy of the action as a release has it: with the sum of its asset, which is given as bytes, too.
export function released(stage) {
  const directory = path.join(stage.folder, "action");
  for (const name of ["action.yml", "action", "Cargo.toml"]) {
    fs.cpSync(path.join(ROOT, name), path.join(directory, name), { recursive: true });
  }
  const stem = ASSET.replace(".tar.gz", "");
  const inside = path.join(stage.folder, stem);
  fs.mkdirSync(inside);
  fs.copyFileSync(CALLCHECK, path.join(inside, "callcheck"));
  const archive = path.join(stage.folder, ASSET);
  execFileSync("tar", ["-czf", archive, "-C", stage.folder, stem]);
  const asset = fs.readFileSync(archive);
  const sum = createHash("sha256").update(asset).digest("hex");
  fs.appendFileSync(path.join(directory, "action", "checksums.txt"), `${sum}  ${ASSET}\n`);
  return { directory, asset };
}

// Serves what `answer(request, response, n)` gives for the nth request. Gives the URL, and the paths that
// were asked for.
export async function serve(t, answer) {
  const paths = [];
  const server = http.createServer((request, response) => {
    paths.push(request.url);
    answer(request, response, paths.length);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.closeAllConnections() ?? server.close());
  return { url: `http://127.0.0.1:${server.address().port}`, paths };
}

// Starts the simulator with a scenario, as YAML. Gives its URL, and a way to its ledger.
export async function simulator(t, stage, scenario) {
  const file = path.join(stage.folder, "scenario.yaml");
  fs.writeFileSync(file, scenario);
  const child = spawn(CALLCHECK, ["simulate", "--scenario", file], { stdio: ["ignore", "pipe", "ignore"] });
  t.after(() => child.kill());
  const lines = readline.createInterface({ input: child.stdout });
  const url = await new Promise((resolve, reject) => {
    lines.once("line", resolve);
    child.once("exit", (code) => reject(new Error(`the simulator ended with ${code}`)));
  });
  const ledger = async () => (await fetch(`${url}/_simulator/ledger`)).json();
  return { url, ledger };
}

// What the AWS chain of a job finds after a step that has configured credentials.
export const CREDENTIALS = { AWS_ACCESS_KEY_ID: "AKIDEXAMPLE", AWS_SECRET_ACCESS_KEY: "not-a-secret" };
