// The shell scripts that stand in examples/ci, as their hosts would hand them to a shell.
//
// `node tests/hosts/scripts.mjs FOLDER` writes each to a file, for shellcheck.

import fs from "node:fs";
import path from "node:path";

import { parse } from "yaml";

const EXAMPLES = path.resolve(import.meta.dirname, "../../examples/ci");
const read = (name) => fs.readFileSync(path.join(EXAMPLES, name), "utf8");

// The scripts of a host, in the order in which it runs them, each with the shell that it is run by, and
// whether it comes after what was red.
export function scripts() {
  const gitlab = parse(read("gitlab-ci.yml")).callcheck;
  const jenkins = read("Jenkinsfile");
  const azure = parse(read("azure-pipelines.yml")).jobs[0].steps;
  const circleci = parse(read("circleci.yml")).jobs.callcheck.steps;
  const buildkite = parse(read("buildkite.yml")).steps[0].command;
  const { phases } = parse(read("buildspec.yml"));
  const inJenkins = /script: '''\n([^]*?)'''/.exec(jenkins)[1];
  if (inJenkins.includes("\\")) throw new Error("Jenkinsfile: a backslash is Groovy's");
  if (/(?<!\$)\$(?!\$)/.test(buildkite))
    throw new Error("buildkite.yml: a single $ is read when it is uploaded");
  const bash = (...texts) => texts.map((text) => ({ shell: ["bash", "-e"], text }));
  const after = (...texts) => bash(...texts).map((script) => ({ ...script, after: true }));
  const inBash = azure.filter((step) => step.bash);
  const isAfter = (step) => step.condition === "always()";
  return {
    gitlab: [
      ...bash([...gitlab.before_script, ...gitlab.script].join("\n")),
      ...after(gitlab.after_script.join("\n")),
    ],
    jenkins: [{ shell: ["sh", "-xe"], text: inJenkins }, ...after(/sh '(.*)'\n/.exec(jenkins)[1])],
    azure: [
      ...bash(...inBash.filter((step) => !isAfter(step)).map((step) => step.bash)),
      ...after(...inBash.filter(isAfter).map((step) => step.bash)),
    ],
    circleci: bash(...circleci.filter((step) => step.run).map((step) => step.run.command)),
    buildkite: bash(buildkite.replaceAll("$$", "$")),
    codebuild: [
      ...bash([...phases.install.commands, ...phases.build.commands].join("\n")),
      ...after(phases.build.finally.join("\n")),
    ],
  };
}

// The variables that a host's file sets.
export function variables(host) {
  const files = {
    gitlab: () => parse(read("gitlab-ci.yml")).callcheck.variables,
    jenkins: () =>
      Object.fromEntries(
        [...read("Jenkinsfile").matchAll(/^ {4}(\w+) = ['"](.*)['"]/gm)].map((it) => it.slice(1)),
      ),
    azure: () => parse(read("azure-pipelines.yml")).variables,
    circleci: () => parse(read("circleci.yml")).jobs.callcheck.environment,
    buildkite: () => parse(read("buildkite.yml")).env,
    codebuild: () => parse(read("buildspec.yml")).env.variables,
  };
  return files[host]();
}

// Where a host looks for JUnit reports, in the folder of the job.
export function junit(host) {
  const files = {
    gitlab: () => parse(read("gitlab-ci.yml")).callcheck.artifacts.reports.junit,
    jenkins: () => /junit '(.*)'/.exec(read("Jenkinsfile"))[1],
    azure: () => {
      const { steps } = parse(read("azure-pipelines.yml")).jobs[0];
      const { inputs } = steps.find((step) => step.task?.startsWith("PublishTestResults"));
      return (
        inputs.searchFolder.replace("$(System.DefaultWorkingDirectory)/", "") + `/${inputs.testResultsFiles}`
      );
    },
    circleci: () => {
      const steps = parse(read("circleci.yml")).jobs.callcheck.steps;
      return `${steps.find((step) => step.store_test_results).store_test_results.path}/*.xml`;
    },
    buildkite: () => parse(read("buildkite.yml")).steps.at(-1).plugins[0]["junit-annotate#v2.7.0"].artifacts,
    codebuild: () => {
      const report = parse(read("buildspec.yml")).reports.callcheck;
      return `${report["base-directory"]}/${report.files[0]}`;
    },
  };
  return files[host]();
}

if (process.argv[1] === import.meta.filename) {
  const folder = process.argv[2];
  fs.mkdirSync(folder, { recursive: true });
  for (const [host, all] of Object.entries(scripts())) {
    for (const [number, { shell, text }] of all.entries()) {
      fs.writeFileSync(path.join(folder, `${host}-${number + 1}.sh`), `#!/usr/bin/env ${shell[0]}\n${text}`);
    }
  }
}
