import { BOOKING_RENDERINGS } from './booking-renderings.js';
import { CONTACT_RENDERINGS } from './contact-renderings.js';
import { DEAL_RENDERINGS } from './deal-renderings.js';
import type { DomainChange } from './domain-change.js';
import { EMAIL_RENDERINGS } from './email-renderings.js';
import { INVOICE_RENDERINGS } from './invoice-renderings.js';
import { MESSAGE_RENDERINGS } from './message-renderings.js';
import { QR_CODE_RENDERINGS } from './qr-code-renderings.js';
import type { Rendering } from './rendering.js';

/** Every change in every vocabulary: the one place to look up what is told of a write. */
const RENDERINGS: readonly Rendering[] = [
  ...CONTACT_RENDERINGS,
  ...BOOKING_RENDERINGS,
  ...QR_CODE_RENDERINGS,
  ...DEAL_RENDERINGS,
  ...INVOICE_RENDERINGS,
  ...MESSAGE_RENDERINGS,
  ...EMAIL_RENDERINGS,
];

export function renderingsOf(kind: DomainChange['kind']): Rendering[] {
  return RENDERINGS.filter((one) => one.kind === kind);
}
