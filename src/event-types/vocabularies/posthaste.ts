import type { BuiltInEventType, JsonSchema } from './built-in-event-type.js';
import { count, dataSchema, text, textOrNull, time, timeOrNull } from './built-in-event-type.js';

/** What the platform tells a tenant about itself, so that nobody has to watch a dashboard. camelCase as the native API. */
const subscriptionId = text('Id of the subscription.');
const url = text('Target of the subscription.');
const name = textOrNull('Name of the subscription; null when it has none.');
const reason = text('Why, in plain words.');
const httpStatus = {
  type: ['integer', 'null'],
  description: 'Status of the last answer; null when there was none.',
};
const lastError = textOrNull('What went wrong last, in plain words; null when an answer says it.');

const subscriptionExample = {
  subscriptionId: '019ab0c4-5a7e-7b30-9c1f-3f2a6d0e8b01',
  name: 'My CRM',
  url: 'https://crm.example.com/webhooks',
};

export const POSTHASTE_EVENT_TYPES: readonly BuiltInEventType[] = [
  event(
    'subscription.disabled',
    'A subscription was switched off because its endpoint is gone or kept failing. Nothing is sent to it until it is enabled again.',
    { subscriptionId, name, url, reason, disabledAt: time('When it was switched off.') },
    { httpStatus, lastError },
    {
      ...subscriptionExample,
      reason: 'The endpoint answered 410 Gone.',
      httpStatus: 410,
      disabledAt: '2026-01-15T10:30:00.000Z',
    },
  ),
  event(
    'subscription.held',
    'The workflow behind a subscription is not active. Its events are kept and sent when it answers again.',
    { subscriptionId, name, url, reason, heldAt: time('Since when events are kept.') },
    { httpStatus, lastError },
    {
      ...subscriptionExample,
      url: 'https://n8n.example.com/webhook/contact-created',
      reason: 'n8n answered that the webhook is not registered: the workflow is inactive.',
      httpStatus: 404,
      heldAt: '2026-01-15T10:30:00.000Z',
    },
  ),
  event(
    'subscription.resumed',
    'A subscription that was held or disabled is sent events again.',
    { subscriptionId, name, url, resumedAt: time('When sending began again.') },
    {
      reason,
      waitingDeliveries: count('Deliveries that were kept and are sent now.'),
    },
    {
      ...subscriptionExample,
      reason: 'A probe was answered with 200.',
      waitingDeliveries: 12,
      resumedAt: '2026-01-15T11:00:00.000Z',
    },
  ),
  event(
    'delivery.exhausted',
    'The last attempt of a delivery failed. It is not sent again unless somebody retries it.',
    {
      deliveryId: text('Id of the delivery.'),
      eventId: text('Id of the event that was to be delivered.'),
      eventType: text('Type of that event.'),
      subscriptionId,
      url,
      attempts: count('Attempts made.'),
      exhaustedAt: time('When the last one failed.'),
    },
    { httpStatus, lastError },
    {
      deliveryId: '019ab0c4-6f10-7d52-8e44-b1d0a7c93e02',
      eventId: '019ab0c4-6f0f-7a11-a3f5-90c2d1e4f703',
      eventType: 'contact.created',
      subscriptionId: subscriptionExample.subscriptionId,
      url: subscriptionExample.url,
      attempts: 5,
      httpStatus: 503,
      lastError: null,
      exhaustedAt: '2026-01-15T11:51:00.000Z',
    },
  ),
  event(
    'inbound.failed',
    'An inbound request was accepted, but processing it failed for good. It can be processed again.',
    {
      inboundEventId: text('Id of the inbound event.'),
      eventName: text('What the sender called it.'),
      provider: text('Provider of the source it came through.'),
      error: text('What went wrong, in plain words.'),
      failedAt: time('When it was given up.'),
    },
    {
      sourceId: textOrNull('Id of the source; null when it came through a path of its own.'),
      attempts: count('How often processing was tried.'),
    },
    {
      inboundEventId: '019ab0c4-7b21-7c03-9d10-5e6f7a8b9c04',
      sourceId: '019ab0c4-7b20-7f4e-8a31-2b3c4d5e6f05',
      provider: 'calcom',
      eventName: 'BOOKING_CREATED',
      error: 'Twenty answered 401: the API key of the connection is not valid.',
      attempts: 5,
      failedAt: '2026-01-15T10:40:00.000Z',
    },
  ),
  event(
    'automation.failed',
    'Something an automation was to do at another provider failed for good. It can be tried again.',
    {
      taskId: text('Id of the task: GET /api/v1/automation-tasks/{id}.'),
      kind: text('What was to be done: twenty.opportunity, chatwoot.booking-message …'),
      subject: text('For what it was to be done, in order: twenty:contact:<id> …'),
      error: text('What went wrong, in plain words.'),
      failedAt: time('When it was given up.'),
    },
    {
      attempts: count('How often it was tried.'),
      inboundEventId: textOrNull('Id of the inbound event that led to it; null when none did.'),
    },
    {
      taskId: '019ab0c4-9d44-7f26-a3b7-5e6f7a8b9c07',
      kind: 'twenty.opportunity',
      subject: 'twenty:contact:019ab0c4-9d40-7a11-8c22-6f7a8b9c0d08',
      error: 'This Twenty workspace has no stage "MEETING_SCHEDULED", only NEW, SCREENING, MEETING.',
      attempts: 1,
      inboundEventId: '019ab0c4-7b21-7c03-9d10-5e6f7a8b9c04',
      failedAt: '2026-01-15T10:30:04.000Z',
    },
  ),
  event(
    'outbox.refused',
    'Something that a host emitted in a transaction of its own cannot become an event. It waits in the outbox until it is mended.',
    {
      outboxId: text('Id of the entry: what posthaste_emit gave.'),
      eventType: text('Type it was emitted with.'),
      code: text('Code of the refusal.'),
      error: text('Why, in plain words.'),
      refusedAt: time('When it was refused.'),
    },
    {},
    {
      outboxId: '019ab0c4-8a32-7b04-8c21-6f7a8b9c0d05',
      eventType: 'booking.created',
      code: 'invalid_event_data',
      error: 'The data does not fit the schema of "booking.created": /booking is required',
      refusedAt: '2026-01-15T10:30:00.000Z',
    },
  ),
  event(
    'contact.erased',
    'Everything about a contact was erased. Receivers that keep copies erase theirs.',
    {
      contactId: text('Id the contact had.'),
      erasureId: text('Id of the erasure.'),
      requestedAt: time('When it was asked for.'),
      completedAt: time('When nothing was left.'),
    },
    {},
    {
      contactId: '550e8400-e29b-41d4-a716-446655440000',
      erasureId: '019ab0c4-9d44-7a26-93b7-5e6f7a8b9c07',
      requestedAt: '2026-01-15T10:30:00.000Z',
      completedAt: '2026-01-15T10:30:04.000Z',
    },
  ),
  event(
    'api_key.expiring',
    'An API key stops working soon. Rotate it to keep its callers working.',
    {
      apiKeyId: text('Id of the API key.'),
      name: text('Name of the API key.'),
      expiresAt: time('When it stops working.'),
    },
    { lastUsedAt: timeOrNull('When it was last used; null when never.') },
    {
      apiKeyId: '019ab0c4-8c33-7e15-b2a6-4d5e6f7a8b06',
      name: 'nightly import',
      expiresAt: '2026-01-22T10:30:00.000Z',
      lastUsedAt: '2026-01-15T02:00:03.000Z',
    },
  ),
  event(
    'webhook.test',
    'Somebody pressed "send a test": the endpoint can be reached and the signature can be verified with it.',
    { test: { const: true, description: 'Always true.' }, message: text('A sentence for the log.'), subscriptionId },
    {},
    {
      test: true,
      message: 'This is a test. If you can read it and its signature verifies, the webhook works.',
      subscriptionId: subscriptionExample.subscriptionId,
    },
  ),
];

function event(
  name: string,
  description: string,
  required: Record<string, JsonSchema>,
  optional: Record<string, JsonSchema>,
  example: Record<string, unknown>,
): BuiltInEventType {
  return { name, vocabulary: 'posthaste', description, schema: dataSchema(required, optional), example };
}
