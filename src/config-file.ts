/**
 * Settings out of a file's text: a JSON object, or lines of `KEY=VALUE` (empty lines and those that start with `#` aside; an
 * `export` in front and quotes around the value are taken off). Values of JSON may be text, numbers and booleans
 * (`on` and `off`).
 *
 * @param onFault gets a sentence for each thing that cannot be read.
 */
export function parseConfigFile(text: string, onFault: (fault: string) => void): Map<string, string> {
  return text.trimStart().startsWith('{') ? parseJson(text, onFault) : parseLines(text, onFault);
}

function parseJson(text: string, onFault: (fault: string) => void): Map<string, string> {
  const settings = new Map<string, string>();
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    onFault(`is not JSON: ${error instanceof Error ? error.message : String(error)}`);
    return settings;
  }
  for (const [name, value] of Object.entries(content as object)) {
    if (typeof value === 'string' || typeof value === 'number') settings.set(name, String(value));
    else if (typeof value === 'boolean') settings.set(name, value ? 'on' : 'off');
    else onFault(`${name} should be text, a number, true or false`);
  }
  return settings;
}

function parseLines(text: string, onFault: (fault: string) => void): Map<string, string> {
  const settings = new Map<string, string>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const [, name, value = ''] =
      /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (name === undefined) onFault(`line ${index + 1} should be KEY=VALUE`);
    else settings.set(name, /^(["']).*\1$/.test(value) ? value.slice(1, -1) : value);
  }
  return settings;
}
