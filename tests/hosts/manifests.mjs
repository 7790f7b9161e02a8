// Actions and workflows, read by GitHub's own parsers, and the values of their expressions.

import fs from "node:fs";
import { register } from "node:module";
import path from "node:path";

// The packages import JSON without an import attribute, which Node refuses, and whose spelling differs
// between versions of it (languageservices#387). This hook hands such a file over as a module.
register(
  "data:text/javascript," +
    encodeURIComponent(`
      import { readFile } from "node:fs/promises";
      export async function load(url, context, next) {
        if (!url.endsWith(".min.json")) return next(url, context);
        const source = "export default " + (await readFile(new URL(url), "utf8"));
        return { format: "module", shortCircuit: true, source };
      }`),
);
const { data, Evaluator, Lexer, Parser } = await import("@actions/expressions");
const { truthy } = await import("@actions/expressions/result");
const { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } =
  await import("@actions/workflow-parser");
const { parseAction } = await import("@actions/workflow-parser/actions/index");
const { splitAllowedContext } = await import("@actions/workflow-parser/templates/allowed-context");
const { convertToIfCondition } = await import("@actions/workflow-parser/model/converter/if-condition");
const { YamlObjectReader } = await import("@actions/workflow-parser/workflows/yaml-object-reader");

// For a scalar of several lines that holds an expression, the reader takes the YAML source, indentation
// and all, in place of the value: right for the columns of an editor, wrong for running it. Without a
// source it takes the value.
const literalToken = YamlObjectReader.getLiteralToken;
YamlObjectReader.getLiteralToken = (...args) => Object.assign(literalToken(...args), { source: undefined });

const entries = (mapping) =>
  Object.fromEntries([...(mapping ?? [])].map(({ key, value }) => [key.toString(), value]));

export const mapValues = (object, use) =>
  Object.fromEntries(Object.entries(object).map(([key, value]) => [key, use(value)]));

function parsed(parse, file) {
  const result = parse({ name: file, content: fs.readFileSync(file, "utf8") }, new NoOperationTraceWriter());
  return { ...result, errors: () => result.context.errors.getErrors().map((error) => error.message) };
}

// Steps as mappings of tokens: the packages' own steps lack `shell`, `working-directory` and `with`. An
// `if` gains the `success() &&` that the runner adds to one without a status function.
const toSteps = (context, sequence) =>
  [...(sequence ?? [])].map((token) => {
    const step = entries(token);
    return { ...step, id: step.id?.value, if: step.if && convertToIfCondition(context, step.if) };
  });

// The composite action of a manifest. Throws what GitHub would have against it.
export function loadAction(file) {
  const { context, value, errors } = parsed(parseAction, file);
  if (errors().length) throw new Error(errors().join("\n"));
  const { inputs, outputs, runs } = entries(value);
  const { using, steps } = entries(runs);
  const action = {
    directory: path.dirname(path.resolve(file)),
    inputs: mapValues(entries(inputs), entries),
    outputs: mapValues(entries(outputs), (token) => entries(token).value),
    steps: toSteps(context, steps),
  };
  if (errors().length) throw new Error(errors().join("\n"));
  if (using.value !== "composite") throw new Error(`${file}: not a composite action`);
  return action;
}

// The jobs of a workflow, by name. Throws likewise.
export async function loadWorkflow(file) {
  const { context, value, errors } = parsed(parseWorkflow, file);
  if (!errors().length) await convertWorkflowTemplate(context, value);
  if (errors().length) throw new Error(errors().join("\n"));
  const jobs = mapValues(entries(entries(value).jobs), entries);
  return mapValues(jobs, (job) => ({ ...job, steps: toSteps(context, job.steps) }));
}

const toData = (value) => JSON.parse(JSON.stringify(value ?? null), data.reviver);

// `contexts` are plain objects by name, `status` the results of the status functions. Which of them a
// value may use is in the schema; the parser throws for others.
function evaluate(token, contexts, status = {}) {
  const { namedContexts, functions } = splitAllowedContext(token.definitionInfo.allowedContext);
  const { tokens } = new Lexer(token.expression).lex();
  // The lexer undoes only the first doubled quote of a string, and format('…') may hold more.
  for (const each of tokens) {
    if (typeof each.value === "string") each.value = each.lexeme.slice(1, -1).replaceAll("''", "'");
  }
  const tree = new Parser(tokens, namedContexts, functions).parse();
  const calls = new Map(
    functions.map(({ name }) => [name.toLowerCase(), { call: () => toData(status[name]) }]),
  );
  const named = Object.fromEntries(namedContexts.map((name) => [name, contexts[name] ?? null]));
  return new Evaluator(tree, toData(named), calls).evaluate();
}

// Whether an `if:` holds.
export const holds = (token, contexts, status) => truthy(evaluate(token, contexts, status));

// The text of a value; undefined where there is none.
export function text(token, contexts) {
  if (token === undefined) return undefined;
  if (!token.isExpression) return token.toString();
  const value = evaluate(token, contexts);
  if (!value.primitive) throw new Error(`${token.expression}: a string was expected`);
  return value.coerceString();
}

// The texts of all values of a mapping.
export const texts = (mapping, contexts) => mapValues(entries(mapping), (token) => text(token, contexts));
