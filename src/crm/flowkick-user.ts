import type { FullContact } from './domain-change.js';

const iso = (time: Date | null) => time?.toISOString() ?? null;

/** A contact as the FlowKick guide's payload shows its `user`, key by key. */
export function flowkickUser(contact: FullContact) {
  const { messagesCount, commentsCount, storiesCount } = contact;
  return {
    id: contact.id,
    manychatId: contact.manychatId,
    instagramUsername: contact.instagramUsername,
    instagramId: contact.instagramId,
    firstName: contact.firstName,
    lastName: contact.lastName,
    fullName: fullNameOf(contact),
    email: contact.email,
    phone: contact.phone,
    whatsappPhone: contact.whatsappPhone,
    gender: contact.gender,
    locale: contact.locale,
    timezone: contact.timezone,
    profilePic: contact.profilePic,
    optIns: {
      messenger: contact.optInMessenger,
      instagram: contact.optInInstagram,
      whatsapp: contact.optInWhatsapp,
      telegram: contact.optInTelegram,
    },
    exportConsent: { given: contact.exportConsentGiven, at: iso(contact.exportConsentAt) },
    tags: contact.tags.map(({ id, name, appliedAt }) => ({ id, name, appliedAt: appliedAt.toISOString() })),
    customFields: textsOf(contact.customFields),
    interactions: {
      messagesCount,
      commentsCount,
      storiesCount,
      totalCount: messagesCount + commentsCount + storiesCount,
      lastUpdated: iso(contact.interactionsUpdatedAt),
    },
    stats: {
      bookingsCount: contact.bookingsCount,
      qrScansCount: contact.qrScansCount,
      conversationsCount: contact.conversationsCount,
      lastBooking: iso(contact.lastBookingAt),
      lastSynced: iso(contact.lastSyncedAt),
    },
    timestamps: {
      subscribedAt: iso(contact.subscribedAt),
      createdAt: contact.createdAt.toISOString(),
      updatedAt: contact.updatedAt.toISOString(),
    },
  };
}

export function fullNameOf({ firstName, lastName }: { firstName: string | null; lastName: string | null }) {
  return [firstName, lastName].filter(Boolean).join(' ') || null;
}

/** The guide prints every value as text, numbers too (`"visit_count": "5"`). */
function textsOf(customFields: unknown): Record<string, string | null> {
  return Object.fromEntries(Object.entries(customFields as object).map(([name, value]) => [name, asText(value)]));
}

export function asText(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
