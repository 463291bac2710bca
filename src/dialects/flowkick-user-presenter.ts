import { Injectable } from '@nestjs/common';
import { ContactBelongingsStore } from '../crm/contact-belongings.store.js';
import type { FullContact } from '../crm/domain-change.js';
import { flowkickUser } from '../crm/flowkick-user.js';
import type {
  FlowKickBooking,
  FlowKickIncludes,
  FlowKickInteraction,
  FlowKickQrCode,
  FlowKickUser,
} from './flowkick-users.dto.js';

type Own<T> = T & { tenantId: string; contactId: string | null };

/** Users of the FlowKick guide with what was asked for beside them. */
@Injectable()
export class FlowKickUserPresenter {
  constructor(private readonly belongings: ContactBelongingsStore) {}

  async present(tenantId: string, contacts: FullContact[], includes: FlowKickIncludes): Promise<FlowKickUser[]> {
    const ids = contacts.map((contact) => contact.id);
    const nothing = new Map<string, never[]>();
    const [bookings, qrCodes, interactions] = await Promise.all([
      includes.includeBookings ? this.belongings.bookings(tenantId, ids) : nothing,
      includes.includeQRCodes ? this.belongings.qrCodes(tenantId, ids) : nothing,
      includes.includeInteractions ? this.belongings.interactions(tenantId, ids) : nothing,
    ]);
    return contacts.map((contact) => ({
      ...flowkickUser(contact),
      ...(includes.includeBookings && { bookings: (bookings.get(contact.id) ?? []).map(presentBooking) }),
      ...(includes.includeQRCodes && { qrCodes: (qrCodes.get(contact.id) ?? []).map(presentQrCode) }),
      ...(includes.includeInteractions && {
        interactionHistory: (interactions.get(contact.id) ?? []).map(presentInteraction),
      }),
    }));
  }
}

function presentBooking(booking: Own<FlowKickBooking>): FlowKickBooking {
  const { id, toolId, tool, startTime, endTime, status, notes, createdAt, updatedAt } = booking;
  return { id, toolId, tool, startTime, endTime, status, notes, createdAt, updatedAt };
}

function presentQrCode(qrCode: Own<FlowKickQrCode>): FlowKickQrCode {
  const { id, code, purpose, scanCount, scannedAt, scannedBy, validatedAt, validatedBy, expiresAt, createdAt } = qrCode;
  return { id, code, purpose, scanCount, scannedAt, scannedBy, validatedAt, validatedBy, expiresAt, createdAt };
}

function presentInteraction({ id, kind, channel, text, occurredAt }: Own<FlowKickInteraction>): FlowKickInteraction {
  return { id, kind, channel, text, occurredAt };
}
