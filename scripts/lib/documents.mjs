export const DOCS_COMMAND = 'npm run docs';

/** Text for a table: a pipe would end the cell, and `<` outside of code begins a tag. */
const cell = (text) =>
  text
    .replaceAll('|', '\\|')
    .split('`')
    .map((part, i) => (i % 2 === 0 ? part.replaceAll('<', '&lt;') : part))
    .join('`');
const shown = (value) => (Array.isArray(value) ? value.join(',') : String(value));

/** A secret's example is how to make one: `the output of: <command>`. */
const recipeOf = (example) => /^the output of: (.*)$/.exec(example ?? '')?.[1];

/** @param variables entries of ENVIRONMENT */
export function envExample(variables) {
  const entries = variables.map(([name, { desc, default: standard, example, choices }]) => {
    const recipe = recipeOf(example);
    const value = shown(standard ?? (recipe ? '' : example) ?? '');
    const words = [desc, choices && `One of: ${choices.join(', ')}.`, recipe && `Make one with: ${recipe}`];
    return [...wrapped(words.filter(Boolean).join(' '), 118).map((line) => `# ${line}`), `# ${name}=${value}`];
  });
  return [
    [
      `# Written from src/config/env.ts by \`${DOCS_COMMAND}\`. Every variable is optional; what stands here is the default, or an`,
      '# example where there is none. Copy this file to .env and take away the # of what you set.',
      '#',
      '# docker compose reads .env by itself. Without it: node --env-file=.env scripts/start.mjs',
    ],
    ...entries,
    [
      '# Only for docker-compose.yml, which needs this and MASTER_KEY: the password of its Postgres, letters and digits.',
      '# POSTGRES_PASSWORD=',
    ],
  ]
    .map((lines) => `${lines.join('\n')}\n`)
    .join('\n');
}

/** @param variables entries of ENVIRONMENT */
export function configuration(variables) {
  const rows = variables.map(([name, { desc, default: standard, example, choices }]) => {
    const value = standard === undefined ? '' : `\`${shown(standard)}\``;
    const words = [cell(desc)];
    if (choices) words.push(`One of ${choices.map((one) => `\`${one}\``).join(', ')}.`);
    const recipe = recipeOf(example);
    if (recipe) words.push(`Make one with \`${recipe}\`.`);
    else if (standard === undefined && example) words.push(`Example: \`${example}\`.`);
    return `| \`${name}\` | ${value} | ${words.join(' ')} |`;
  });
  return `# Configuration

<!-- Written from src/config/env.ts by \`${DOCS_COMMAND}\`: change it there. -->

Settings are environment variables, and all of them are optional. A process checks them when it starts and names every mistake
at once. \`npm start\` takes them from the environment; to keep them in a file, copy [.env.example](../.env.example) to \`.env\` and
start with \`node --env-file=.env scripts/start.mjs\`. \`docker compose\` reads \`.env\` by itself.

What belongs to one tenant (retry schedule, time-out, body and signature format, rate limits, retention …) is not here but in the
tenant's settings: \`GET\` and \`PATCH /api/v1/tenant\`.

| variable | default | meaning |
| --- | --- | --- |
${rows.join('\n')}
`;
}

/** @param entries of ERRORS */
export function errorList(entries) {
  const rows = entries.map(
    ([code, { status, title, help }]) => `| ${status} | \`${code}\` | ${cell(title)} | ${cell(help)} |`,
  );
  return `# Errors

<!-- Written from src/core/errors.ts by \`${DOCS_COMMAND}\`: change it there. -->

Every refusal, in the native API and in the dialects, is \`application/problem+json\` (RFC 9457):

\`\`\`json
{
  "type": "…",
  "title": "The target URL is not allowed",
  "status": 422,
  "detail": "10.0.0.8 is not a public address (private). Deliveries go to public addresses only; …",
  "instance": "/api/v1/subscriptions",
  "code": "target_not_allowed",
  "requestId": "019ab0c4-5a7e-7b30-9c1f-3f2a6d0e8b01",
  "errors": [{ "pointer": "/url", "detail": "…" }]
}
\`\`\`

Programs decide by \`code\`, which does not change; people read \`detail\`, which says what was wrong, with which value, and what to do.
\`errors\` is there when fields are wrong: \`pointer\` is a JSON pointer into the body (\`/data/email\`), \`?name\` for the query string, or
\`header Name\`. \`requestId\` is also in the header \`x-request-id\` and names the request in the server's log.

| status | code | title | what to do |
| --- | --- | --- | --- |
${rows.join('\n')}

Why a *delivery* failed is not an error of this API: it stands with each attempt, see
[what is on record](guides/outbound.md#what-is-on-record).
`;
}

function wrapped(text, width) {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line && line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line ? `${line} ${word}` : word;
  }
  return lines;
}
