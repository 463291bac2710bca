import { flowkickUser } from './flowkick-user.js';
import type { QrCode } from './qr-code.store.js';
import { type Rendering, type RenderingContext, rendering } from './rendering.js';

/** QR codes in the FlowKick vocabulary, the only one that knows them. */
export const QR_CODE_RENDERINGS: readonly Rendering[] = [
  rendering('qr-scanned', ['qr.scanned'], async ({ qrCode, scannedBy }, context) => [
    { type: 'qr.scanned', data: { ...(await codeAndUser(qrCode, context)), scannedBy } },
  ]),
  rendering('qr-validated', ['qr.validated'], async ({ qrCode }, context) => [
    { type: 'qr.validated', data: await codeAndUser(qrCode, context) },
  ]),
];

/** `user` is whom the code belongs to, null for one that belongs to nobody. */
async function codeAndUser(qrCode: QrCode, context: RenderingContext) {
  const contact = qrCode.contactId ? await context.fullContact(qrCode.contactId) : null;
  return {
    qrCode: {
      id: qrCode.id,
      code: qrCode.code,
      userId: qrCode.contactId,
      scannedAt: qrCode.scannedAt?.toISOString() ?? null,
      scannedBy: qrCode.scannedBy,
      validatedAt: qrCode.validatedAt?.toISOString() ?? null,
      createdAt: qrCode.createdAt.toISOString(),
    },
    user: contact && flowkickUser(contact),
  };
}
