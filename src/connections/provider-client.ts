/** One thing a connection is needed for, and whether its credentials can do it. */
export interface Ability {
  /** Stable: `credentials`, `contacts`, `webhooks` … */
  name: string;
  ok: boolean;
  /** What works, or what is missing and where it is given. */
  message: string;
}

/** A webhook as it shall be at the provider. */
export interface WantedWebhook {
  url: string;
  /** The source's secret; null where the provider makes it. */
  secret: string | null;
  events: readonly string[];
  /** The id it had when it was last registered. */
  knownId: string | null;
}

export interface RegisteredWebhook {
  /** The provider's own id; null where it has none. */
  id: string | null;
  /** What the provider signs with, when that is not what it was given. */
  secret?: string;
  /** What is left for a person to do. */
  note?: string;
}

/** A webhook as it was registered. */
export interface KnownWebhook {
  id: string | null;
  url: string;
}

/** What every provider's client can do beside its own calls. All of it throws ProviderErrors. */
export interface ProviderClient {
  /** Reads a little of everything the automations need; changes nothing. */
  check(): Promise<Ability[]>;
  /** Creates the webhook, or changes the one that is there (by id, else by URL): twice is the same as once. */
  registerWebhook(wanted: WantedWebhook): Promise<RegisteredWebhook>;
  /** One that is gone already is no error. */
  deleteWebhook(webhook: KnownWebhook): Promise<void>;
}
