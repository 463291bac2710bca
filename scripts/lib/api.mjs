// A running Posthaste, for scripts: POSTHASTE says where it is, POSTHASTE_KEY is an API key.

import { StepFailed } from './progress.mjs';

export const base = (process.env.POSTHASTE ?? 'http://localhost:8001').replace(/\/+$/, '');

/** The answer's JSON; throws the refusal in the server's own words. */
export async function ask(method, path, body) {
  const key = process.env.POSTHASTE_KEY;
  if (!key) throw new StepFailed('POSTHASTE_KEY is missing: `npm start` prints an API key on its first start');
  const answer = await fetch(base + path, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  const told = await answer.json().catch(() => null);
  if (answer.ok) return told;
  throw new StepFailed(
    `${method} ${path} answered ${answer.status}: ${told?.detail ?? told?.title ?? 'without a word'}`,
  );
}

/** Where Calendly sends in the Calendly guide: a fixed path, with the tenant it is for. */
export async function calendlyPath() {
  const { tenant_id: tenant } = await ask('GET', '/api/auth/me');
  return `/api/v1/calendly/webhook?tenant=${tenant}`;
}
