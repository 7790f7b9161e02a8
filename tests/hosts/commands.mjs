// What a step says to the runner: in the files that it writes, and in the lines that it prints.

// GITHUB_OUTPUT and GITHUB_ENV, as the runner's EnvFileKeyValuePairs reads them. What stands before a
// malformed line counts.
export function* keyValues(content) {
  const lines = content.split("\n");
  const last = lines.length - 1;
  for (let i = 0; i <= last; i++) {
    if (lines[i] === "") continue;
    const [, key, operator, value] = /^(.*?)(=|<<)(.*)$/s.exec(lines[i]) ?? [];
    if (!operator || (operator === "<<" && !(key && value))) throw new Error(`Invalid format '${lines[i]}'`);
    if (operator === "=") {
      yield [key, value];
      continue;
    }
    const end = lines.indexOf(value, i + 1);
    if (end < 0) throw new Error(`Invalid value. Matching delimiter not found '${value}'`);
    yield [key, lines.slice(i + 1, end).join("\n")];
    i = end;
  }
}

// `::name key=value,…::data`, or null for a line that is only a line.
export function workflowCommand(line) {
  const unescape = (value, codes) =>
    [...codes, "%25"].reduce((text, code) => text.replaceAll(code, decodeURIComponent(code)), value);
  const [, name, list, message] = /^\s*::([\w-]+)(?: (.*?))?::(.*)$/.exec(line) ?? [];
  if (!/^(error|warning|notice|debug|group|endgroup)$/i.test(name)) return null;
  const properties = {};
  for (const pair of (list ?? "").trim().split(",")) {
    const [, key, value] = /^([^=]+)=(.+)$/.exec(pair) ?? [];
    if (key) properties[key] = unescape(value, ["%0D", "%0A", "%3A", "%2C"]);
  }
  return { name: name.toLowerCase(), properties, message: unescape(message, ["%0D", "%0A"]) };
}
