import type { Config } from './config/env.js';
import type { Bootstrap } from './tenants/bootstrapper.js';

const BOLD = '\u001b[1m';
const PLAIN = '\u001b[0m';

/** A step of starting up, for the person who waits; log files get the log lines only. */
export function startLine(config: Config, message: string): void {
  if (config.log.format !== 'json') process.stdout.write(`  ${message}\n`);
}

/** What to do next: addresses, and on the first start the credentials, which are shown this once. */
export function banner(config: Config, bootstrap: Bootstrap, url: string): void {
  const bold = (text: string) => (process.stdout.isTTY ? BOLD + text + PLAIN : text);
  const publicUrl = config.http.port === 0 ? url.replace('0.0.0.0', 'localhost') : config.http.publicUrl;
  const lines = ['', `${bold(`Posthaste ${config.version}`)} is ready (${config.roles.join(' and ')}).`, ''];
  if (config.roles.includes('api')) lines.push(`  API        ${publicUrl}/api/v1`, `  API docs   ${publicUrl}/docs`);
  if (bootstrap.created) {
    lines.push(
      `  Tenant     ${bootstrap.tenant.slug} (${bootstrap.tenant.id})`,
      `  E-mail     ${bootstrap.email}`,
      `  Password   ${bootstrap.password ?? 'the one in BOOTSTRAP_PASSWORD'}`,
      `  API key    ${bootstrap.apiKey}`,
      '',
      bold('The password and the API key are shown only now: keep them.'),
      '',
      'Send your first event:',
      '',
      `  curl ${publicUrl}/api/v1/events \\`,
      `    -H 'Authorization: Bearer ${bootstrap.apiKey}' \\`,
      `    -H 'Content-Type: application/json' \\`,
      `    -d '{"type":"contact.created","data":{"contact_id":"c-1","email":"ada@example.com"}}'`,
    );
  }
  lines.push('', 'Ctrl-C stops it.', '');
  process.stdout.write(`${lines.join('\n')}\n`);
}
