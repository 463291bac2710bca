import type { BuiltInEventType, JsonSchema } from './built-in-event-type.js';
import { dataSchema } from './built-in-event-type.js';
import {
  bookingShape,
  changesShape,
  fieldShape,
  qrCodeShape,
  scannedByShape,
  tagShape,
  userOrNullShape,
  userShape,
} from './flowkick-shapes.js';

/** The contact of the FlowKick guide's sample payload, as printed there. */
const user = {
  id: 'clx123...',
  manychatId: '1234567890',
  instagramUsername: 'johndoe',
  instagramId: '9876543210',
  firstName: 'John',
  lastName: 'Doe',
  fullName: 'John Doe',
  email: 'john@example.com',
  phone: '+1234567890',
  whatsappPhone: '+1234567890',
  gender: 'male',
  locale: 'en_US',
  timezone: 'America/New_York',
  profilePic: 'https://...',
  optIns: { messenger: true, instagram: true, whatsapp: false, telegram: false },
  exportConsent: { given: true, at: '2025-11-06T10:00:00.000Z' },
  tags: [{ id: 'clx456...', name: 'vip', appliedAt: '2025-11-06T09:00:00.000Z' }],
  customFields: { favorite_drink: 'Cappuccino', visit_count: '5', loyalty_points: '150' },
  interactions: {
    messagesCount: 25,
    commentsCount: 8,
    storiesCount: 3,
    totalCount: 36,
    lastUpdated: '2025-11-06T10:00:00.000Z',
  },
  stats: {
    bookingsCount: 3,
    qrScansCount: 12,
    conversationsCount: 2,
    lastBooking: '2025-11-05T14:30:00.000Z',
    lastSynced: '2025-11-06T10:30:00.000Z',
  },
  timestamps: {
    subscribedAt: '2025-10-01T10:00:00.000Z',
    createdAt: '2025-10-01T10:00:00.000Z',
    updatedAt: '2025-11-06T10:30:00.000Z',
  },
};

const booking = {
  id: 'clx789...',
  userId: user.id,
  toolId: 'clx321...',
  startTime: '2025-11-08T14:00:00.000Z',
  endTime: '2025-11-08T14:30:00.000Z',
  status: 'pending',
  user: { id: user.id, firstName: user.firstName, lastName: user.lastName, email: user.email, phone: user.phone },
  tool: { id: 'clx321...', name: 'Table for two' },
  createdAt: '2025-11-06T10:30:00.000Z',
  updatedAt: '2025-11-06T10:30:00.000Z',
};

const qrCode = {
  id: 'clx654...',
  code: 'FREE-COFFEE-7Q2M',
  userId: user.id,
  scannedAt: '2025-11-06T10:30:00.000Z',
  scannedBy: 'clx987...',
  validatedAt: null,
  createdAt: '2025-11-01T08:00:00.000Z',
};

const tag = user.tags[0];

/**
 * The events of the FlowKick guide. The top-level keys of `data` are those of its table of events; `user.deleted` is
 * named in the guide's text only and carries `{user}` like `user.created`. `user` is a contact, not a login.
 */
export const FLOWKICK_EVENT_TYPES: readonly BuiltInEventType[] = [
  event('user.created', 'A contact was created.', { user: userShape }, { user }),
  event(
    'user.updated',
    'A contact changed. `user` is the contact as it is now, `changes` holds the old and new value of each field.',
    { user: userShape, changes: changesShape },
    {
      user,
      changes: {
        email: { old: 'j.doe@example.com', new: 'john@example.com' },
        phone: { old: null, new: '+1234567890' },
      },
    },
  ),
  event('user.deleted', 'A contact was deleted. `user` is the contact as it last was.', { user: userShape }, { user }),
  event('booking.created', 'A booking was made.', { booking: bookingShape, user: userShape }, { booking, user }),
  event(
    'booking.updated',
    'A booking changed, for instance its time. `changes` holds the old and new value of each field.',
    { booking: bookingShape, changes: changesShape },
    {
      booking: { ...booking, status: 'confirmed', updatedAt: '2025-11-06T11:00:00.000Z' },
      changes: { status: { old: 'pending', new: 'confirmed' } },
    },
  ),
  event(
    'booking.cancelled',
    'A booking was cancelled.',
    { booking: bookingShape },
    { booking: { ...booking, status: 'cancelled', updatedAt: '2025-11-07T09:00:00.000Z' } },
  ),
  event(
    'booking.completed',
    'A booking took place and is over.',
    { booking: bookingShape },
    { booking: { ...booking, status: 'completed', updatedAt: '2025-11-08T14:30:00.000Z' } },
  ),
  event(
    'qr.scanned',
    'A QR code was scanned. `user` is the contact the code belongs to.',
    { qrCode: qrCodeShape, user: userOrNullShape, scannedBy: scannedByShape },
    { qrCode, user, scannedBy: qrCode.scannedBy },
  ),
  event(
    'qr.validated',
    'A scanned QR code was checked and accepted. `user` is the contact the code belongs to.',
    { qrCode: qrCodeShape, user: userOrNullShape },
    { qrCode: { ...qrCode, validatedAt: '2025-11-06T10:31:00.000Z' }, user },
  ),
  event(
    'tag.added',
    'A tag was put on a contact. `user.tags` already holds it.',
    { user: userShape, tag: tagShape },
    { user, tag },
  ),
  event(
    'tag.removed',
    'A tag was taken off a contact. `user.tags` no longer holds it.',
    { user: userShape, tag: tagShape },
    { user: { ...user, tags: [] }, tag },
  ),
  event(
    'customfield.updated',
    'The value of a custom field changed for one contact. `field` holds the old and the new value.',
    { user: userShape, field: fieldShape },
    { user, field: { name: 'favorite_drink', old: 'Latte', new: 'Cappuccino' } },
  ),
];

function event(
  name: string,
  description: string,
  required: Record<string, JsonSchema>,
  example: Record<string, unknown>,
): BuiltInEventType {
  const action = name.slice(name.indexOf('.') + 1);
  return {
    name,
    vocabulary: 'flowkick',
    description,
    schema: dataSchema(required),
    example,
    exampleMetadata: { source: 'manychat_sync', action },
  };
}
