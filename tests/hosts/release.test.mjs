// The shell of release.yml, run on a repository and a remote of its own, with nothing behind `gh`.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import test from "node:test";

import { parse } from "yaml";

import { ROOT, stage } from "./stage.mjs";

const WORKFLOW = parse(fs.readFileSync(path.join(ROOT, ".github/workflows/release.yml"), "utf8"));
const CHECK = "The tag, Cargo.toml and CHANGELOG.md name one version";
const DRAFT = ["The sums", "The tag, with the sums that the action carries"];

// The script of a job's step, by its name; of the last one without.
function script(job, name) {
  const steps = WORKFLOW.jobs[job].steps.filter((step) => step.run);
  return (name ? steps.find((step) => step.name === name) : steps.at(-1)).run;
}

// A repository with a remote, and a way to run steps there as GitHub does.
function repository(t) {
  const { folder, baseEnv } = stage(t);
  // Whoever runs this may have settings of his own, such as signed commits.
  const env = { ...baseEnv, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" };
  const work = path.join(folder, "work");
  const git = (...args) =>
    execFileSync("git", args, { cwd: work, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], env });
  fs.mkdirSync(path.join(work, "action"), { recursive: true });
  fs.mkdirSync(path.join(folder, "bin"));
  // What is asked of GitHub is written down.
  fs.writeFileSync(path.join(folder, "bin/gh"), `#!/bin/sh\necho "gh $*" >> '${folder}/gh.log'\n`, {
    mode: 0o755,
  });
  execFileSync("git", ["init", "--quiet", "--bare", path.join(folder, "remote.git")]);
  git("init", "--quiet", "--initial-branch=main");
  git("config", "user.name", "t");
  git("config", "user.email", "t@example.com");
  git("remote", "add", "origin", path.join(folder, "remote.git"));
  fs.copyFileSync(path.join(ROOT, "action/checksums.txt"), path.join(work, "action/checksums.txt"));
  // A step that names no shell.
  const run = (version, text) => {
    fs.writeFileSync(path.join(folder, "step.sh"), text);
    return spawnSync("bash", ["-e", path.join(folder, "step.sh")], {
      cwd: work,
      encoding: "utf8",
      env: { ...env, PATH: `${folder}/bin:${process.env.PATH}`, VERSION: `release-${version}` },
    });
  };
  const asked = () => fs.readFileSync(path.join(folder, "gh.log"), "utf8");
  return { folder, work, git, run, asked };
}

// What a maintainer does before the tag.
function prepare({ work, git }, version, changes = `## ${version}\n\n- What ${version} brings.\n`) {
  git("checkout", "--quiet", "-B", "main");
  fs.writeFileSync(path.join(work, "Cargo.toml"), `[package]\nname = "callcheck"\nversion = "${version}"\n`);
  fs.writeFileSync(path.join(work, "CHANGELOG.md"), `# Changelog\n\n${changes}\n## 0.0.1\n\n- Before.\n`);
  git("add", "Cargo.toml", "CHANGELOG.md", "action");
  git("commit", "--quiet", "--message", version);
  git("checkout", "--quiet", "--detach");
}

// Plays the jobs from the sums on, with an archive.
function release(repository, version) {
  const main = repository.git("rev-parse", "HEAD").trim();
  fs.rmSync(path.join(repository.work, "dist"), { recursive: true, force: true });
  fs.mkdirSync(path.join(repository.work, "dist"));
  fs.writeFileSync(
    path.join(repository.work, `dist/callcheck-${version}-x86_64-unknown-linux-musl.tar.gz`),
    version,
  );
  for (const text of [...DRAFT.map((name) => script("draft", name)), script("publish")]) {
    const { status, stderr } = repository.run(version, text);
    assert.equal(status, 0, stderr);
  }
  repository.git("checkout", "--quiet", "--force", main);
}

const sums = ({ git }, tag) =>
  git("show", `${tag}:action/checksums.txt`)
    .split("\n")
    .filter((line) => /^[0-9a-f]{64} {2}/.test(line));
const remote = ({ git }, tag) =>
  git("ls-remote", "origin", `refs/tags/${tag}`, `refs/tags/${tag}^{}`).split("\n").at(-2)?.split("\t")[0];

test("a release is a tag whose action carries the sums, drafted before it is published", (t) => {
  const repo = repository(t);
  prepare(repo, "0.1.0");
  assert.equal(repo.run("0.1.0", script("check", CHECK)).status, 0);
  release(repo, "0.1.0");
  assert.deepEqual(repo.git("diff", "--name-only", "main", "v0.1.0").trim().split("\n"), [
    "action/checksums.txt",
  ]);
  assert.match(
    sums(repo, "v0.1.0").join(),
    /^[0-9a-f]{64} {2}callcheck-0\.1\.0-x86_64-unknown-linux-musl\.tar\.gz$/,
  );
  const commands = repo.asked().split("\n");
  const at = (what) => commands.findIndex((line) => line.includes(what));
  assert.ok(
    at("release create v0.1.0 --draft --prerelease=false") >= 0 &&
      at("release create") < at("release edit v0.1.0 --draft=false --latest=true"),
  );
  const notes = fs.readFileSync(path.join(repo.work, "notes.md"), "utf8");
  assert.equal(notes.trim(), "- What 0.1.0 brings.");
  assert.equal(remote(repo, "v0"), remote(repo, "v0.1.0"));
});

test("later releases keep the sums of earlier ones, and the newest is what v0 is", (t) => {
  const repo = repository(t);
  for (const [version, known, moves] of [
    ["0.1.0", 1, true],
    ["0.2.0-rc.1", 2, false],
    ["0.2.0", 3, true],
    ["0.1.1", 4, false],
    ["0.3.0", 5, true],
  ]) {
    prepare(repo, version);
    release(repo, version);
    assert.match(
      repo.asked(),
      new RegExp(`create v${version} --draft --prerelease=${version.includes("-")} `),
      version,
    );
    assert.match(repo.asked(), new RegExp(`edit v${version} --draft=false --latest=${moves}\n`), version);
    assert.equal(sums(repo, `v${version}`).length, known, version);
    assert.equal(remote(repo, "v0") === remote(repo, `v${version}`), moves, version);
  }
});

test("a version that Cargo.toml or CHANGELOG.md does not name is not released", (t) => {
  const repo = repository(t);
  prepare(repo, "0.1.0");
  assert.notEqual(repo.run("0.1.1", script("check", CHECK)).status, 0);
  for (const heading of ["Unreleased", "0.1.2-rc.1", "0.1.20"]) {
    prepare(repo, "0.1.2", `## ${heading}\n`);
    assert.notEqual(repo.run("0.1.2", script("check", CHECK)).status, 0, heading);
  }
});
