import {
  changesOf,
  count,
  emailOrNull,
  flag,
  object,
  text,
  textOrNull,
  time,
  timeOrNull,
} from './built-in-event-type.js';

/**
 * The objects of the FlowKick guide's payloads. `user` is the guide's sample, key by key. Its receivers read
 * `user.customFields.x`, `user.tags.map(…)` and `user.stats.bookingsCount` without asking, so those objects are always
 * there; only `interactions` is read with `?.` and may be missing.
 */
const tags = {
  type: 'array',
  description: 'Tags the contact carries now.',
  items: object('A tag and when it was put on.', {
    id: text('Id of the tag.'),
    name: text('Name of the tag.'),
    appliedAt: time('When it was put on.'),
  }),
};

const userFields = {
  id: text('Id of the contact.'),
  manychatId: textOrNull('Subscriber id in ManyChat.'),
  instagramUsername: textOrNull('Instagram name without the @.'),
  instagramId: textOrNull('Instagram account id.'),
  firstName: textOrNull('Given name.'),
  lastName: textOrNull('Family name.'),
  fullName: textOrNull('Given and family name together.'),
  email: emailOrNull('E-mail address.'),
  phone: textOrNull('Telephone number, international form.'),
  whatsappPhone: textOrNull('Number used on WhatsApp.'),
  gender: textOrNull('As the contact told it.'),
  locale: textOrNull('Language and country: en_US.'),
  timezone: textOrNull('IANA time zone: America/New_York.'),
  profilePic: textOrNull('Address of a picture.'),
  optIns: object('Channels on which the contact agreed to be written to.', {
    messenger: flag('Facebook Messenger.'),
    instagram: flag('Instagram.'),
    whatsapp: flag('WhatsApp.'),
    telegram: flag('Telegram.'),
  }),
  exportConsent: object('Whether the contact agreed that the data leaves the system.', {
    given: flag('True when agreed.'),
    at: timeOrNull('When agreed; null when not.'),
  }),
  tags,
  customFields: {
    type: 'object',
    description: 'Custom field values by field name.',
  },
  stats: object('Totals of the contact.', {
    bookingsCount: count('Bookings made.'),
    qrScansCount: count('QR codes scanned.'),
    conversationsCount: count('Conversations held.'),
    lastBooking: timeOrNull('Start of the latest booking; null when there is none.'),
    lastSynced: timeOrNull('Last synchronisation with the source; null when never.'),
  }),
  timestamps: object('Times of the contact itself.', {
    subscribedAt: timeOrNull('When the contact subscribed; null when never.'),
    createdAt: time('When the contact was created.'),
    updatedAt: time('When the contact last changed.'),
  }),
};

const interactions = {
  interactions: object('Counted interactions on social channels.', {
    messagesCount: count('Messages.'),
    commentsCount: count('Comments.'),
    storiesCount: count('Story replies.'),
    totalCount: count('All together.'),
    lastUpdated: timeOrNull('When they were last counted.'),
  }),
};

export const userShape = object('The contact as it is now, complete.', userFields, interactions);

/** QR codes may belong to nobody. */
export const userOrNullShape = { ...userShape, type: ['object', 'null'] };

export const bookingShape = object(
  'The booking as it is now.',
  {
    id: text('Id of the booking.'),
    startTime: time('Start.'),
    endTime: time('End.'),
    status: text('pending, confirmed, cancelled, completed, or a word of the host.'),
    user: object(
      'Who booked.',
      {
        id: text('Id of the contact.'),
        firstName: textOrNull('Given name.'),
        email: emailOrNull('E-mail address.'),
      },
      { lastName: textOrNull('Family name.'), phone: textOrNull('Telephone number.') },
    ),
    tool: object('What was booked.', { name: text('Its name.') }, { id: textOrNull('Its id.') }),
  },
  {
    userId: text('Id of the contact, the same as user.id.'),
    toolId: textOrNull('Id of what was booked.'),
    createdAt: time('When the booking was made.'),
    updatedAt: time('When the booking last changed.'),
  },
);

export const qrCodeShape = object(
  'The QR code as it is now.',
  {
    id: text('Id of the QR code.'),
    code: text('What the code says.'),
    scannedAt: timeOrNull('Latest scan; null when never scanned.'),
    scannedBy: textOrNull('Who scanned it last; null when not known.'),
  },
  {
    userId: textOrNull('Id of the contact it belongs to.'),
    validatedAt: timeOrNull('When it was validated; null when not yet.'),
    createdAt: time('When it was made.'),
  },
);

export const scannedByShape = textOrNull('Who scanned: the id the scanning application gave; null when it gave none.');

export const tagShape = object(
  'The tag that was put on or taken off.',
  { name: text('Name of the tag.') },
  { id: textOrNull('Id of the tag.'), appliedAt: timeOrNull('When it was put on.') },
);

export const fieldShape = object(
  'The custom field that changed, with the value before and after.',
  { name: text('Name of the field.'), old: {}, new: {} },
  { id: textOrNull('Id of the field.') },
);

export const changesShape = changesOf('What changed: for each field its old and its new value.', 'old', 'new');
