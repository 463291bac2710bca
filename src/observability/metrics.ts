import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client';

/**
 * What this process counts, read at /metrics. No label takes its values from outside (URLs, tenants, event types): the number of
 * series is bounded. What the database knows is asked for when it is read (metrics.store).
 */
export const registry = new Registry();
collectDefaultMetrics({ register: registry, prefix: 'posthaste_' });

const registers = [registry];
/** From a millisecond to the longest time-out. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export const metrics = {
  httpRequests: new Counter({
    name: 'posthaste_http_requests_total',
    help: 'Requests answered, by route and class of status (2xx …).',
    labelNames: ['method', 'route', 'status'] as const,
    registers,
  }),
  httpSeconds: new Histogram({
    name: 'posthaste_http_request_duration_seconds',
    help: 'From a request to the end of its answer.',
    buckets: SECONDS,
    registers,
  }),
  eventsAccepted: new Counter({
    name: 'posthaste_events_accepted_total',
    help: 'Events committed through the API.',
    registers,
  }),
  deliveriesMade: new Counter({
    name: 'posthaste_deliveries_created_total',
    help: 'Deliveries committed together with those events.',
    registers,
  }),
  commitSeconds: new Histogram({
    name: 'posthaste_event_commit_duration_seconds',
    help: 'One commit of events and their deliveries.',
    buckets: SECONDS,
    registers,
  }),
  attempts: new Counter({
    name: 'posthaste_attempts_total',
    help: 'Attempts recorded, by what was decided (delivered, retry, held, failed).',
    labelNames: ['outcome'] as const,
    registers,
  }),
  attemptFailures: new Counter({
    name: 'posthaste_attempt_failures_total',
    help: 'Attempts that did not deliver, by class of status, or by error code where there was no answer.',
    labelNames: ['reason'] as const,
    registers,
  }),
  attemptSeconds: new Histogram({
    name: 'posthaste_attempt_duration_seconds',
    help: 'From the start of a request to a receiver to its answer, time-out or error.',
    buckets: SECONDS,
    registers,
  }),
  inboundAccepted: new Counter({
    name: 'posthaste_inbound_accepted_total',
    help: 'Inbound events stored; duplicates are those that had been stored before.',
    labelNames: ['duplicate'] as const,
    registers,
  }),
  inboundRefused: new Counter({
    name: 'posthaste_inbound_refused_total',
    help: 'Inbound requests a source refused: they did not verify, or the sender may not send.',
    registers,
  }),
  inboundProcessed: new Counter({
    name: 'posthaste_inbound_processed_total',
    help: 'Tries at processing an inbound event, by outcome (processed, ignored, retry, failed).',
    labelNames: ['outcome'] as const,
    registers,
  }),
};

/** 200 → `2xx`. */
export function statusClass(status: number): string {
  return `${Math.floor(status / 100)}xx`;
}
