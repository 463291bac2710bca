import type { Booking } from './booking.store.js';
import { isOpen } from './booking-state.js';
import type { Changes } from './domain-change.js';
import { flowkickUser } from './flowkick-user.js';
import { type Rendering, type RenderingContext, rendering } from './rendering.js';

/** What a status is told as, beside the change itself. */
const MOMENTS: Record<string, string> = { cancelled: 'booking.cancelled', completed: 'booking.completed' };

/** Bookings in the FlowKick vocabulary: whoever reads only `booking.updated` misses nothing. */
export const BOOKING_RENDERINGS: readonly Rendering[] = [
  rendering('booking-created', ['booking.created'], async ({ booking }, context) => {
    const contact = await context.fullContact(booking.contactId);
    const data = { booking: await flowkickBooking(booking, context), user: contact && flowkickUser(contact) };
    return [{ type: 'booking.created', data }];
  }),
  rendering(
    'booking-updated',
    ['booking.updated', 'booking.cancelled', 'booking.completed'],
    async ({ booking: row, changes }, context) => {
      const booking = await flowkickBooking(row, context);
      const moment = changes.status && MOMENTS[row.status];
      return [
        { type: 'booking.updated', data: { booking, changes: flowkickChanges(changes) } },
        ...(moment ? [{ type: moment, data: { booking } }] : []),
      ];
    },
  ),
  rendering('booking-deleted', ['booking.cancelled'], async ({ booking, deletedAt }, context) => {
    if (!isOpen(booking.status)) return [];
    const gone: Booking = { ...booking, status: 'cancelled', updatedAt: deletedAt };
    return [{ type: 'booking.cancelled', data: { booking: await flowkickBooking(gone, context) } }];
  }),
];

/** As the guide's receivers read it: `booking.user.firstName` and `booking.tool.name` are there whatever is known. */
async function flowkickBooking(booking: Booking, context: RenderingContext) {
  const contact = await context.fullContact(booking.contactId);
  const tool = booking.toolId ? await context.tool(booking.toolId) : null;
  return {
    id: booking.id,
    userId: booking.contactId,
    toolId: booking.toolId,
    startTime: booking.startTime.toISOString(),
    endTime: booking.endTime.toISOString(),
    status: booking.status,
    user: {
      id: booking.contactId,
      firstName: contact?.firstName ?? null,
      lastName: contact?.lastName ?? null,
      email: contact?.email ?? null,
      phone: contact?.phone ?? null,
    },
    tool: { id: booking.toolId, name: tool?.name ?? '' },
    createdAt: booking.createdAt.toISOString(),
    updatedAt: booking.updatedAt.toISOString(),
  };
}

function flowkickChanges({ contactId, ...changes }: Changes): Changes {
  return { ...(contactId && { userId: contactId }), ...changes };
}
