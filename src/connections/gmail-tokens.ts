import { ApiClient, type Transport } from './api-client.js';
import { ProviderError } from './provider-error.js';

/** Either an access token, which ends after an hour, or what one is had with. */
export type GmailGrant =
  | { accessToken: string }
  | { refreshToken: string; clientId: string; clientSecret: string; tokenUrl: string };

/** A token is not used in its last minute: it would end on the way. */
const SPARE_MS = 60_000;

interface Token {
  value: string;
  endsAtMs: number;
  /** What it may do; empty when Google did not say. */
  scopes: string[];
}

/** Access tokens of one Gmail connection: asked for when needed, kept as long as they last. */
export class GmailTokens {
  private token: Promise<Token> | null = null;

  constructor(
    private readonly transport: Transport,
    private readonly grant: GmailGrant,
  ) {}

  get secrets(): string[] {
    const { grant } = this;
    return 'accessToken' in grant ? [grant.accessToken] : [grant.refreshToken, grant.clientSecret];
  }

  async current(): Promise<Token> {
    const nowMs = this.transport.clock.now().getTime();
    const token = await this.token?.catch(() => null);
    if (token && token.endsAtMs > nowMs) return token;
    const asked = this.ask(nowMs);
    this.token = asked;
    return asked;
  }

  /** The current one was refused. @returns whether another can be had */
  forget(): boolean {
    this.token = null;
    return 'refreshToken' in this.grant;
  }

  private async ask(nowMs: number): Promise<Token> {
    const { grant, transport } = this;
    if ('accessToken' in grant) {
      return { value: grant.accessToken, endsAtMs: Number.POSITIVE_INFINITY, scopes: [] };
    }
    const { refreshToken, clientId, clientSecret, tokenUrl } = grant;
    const google = new ApiClient(transport, {
      title: 'Google',
      baseUrl: tokenUrl,
      headers: () => ({}),
      secrets: this.secrets,
      // `invalid_grant`: revoked, expired, or of another client.
      failureIn: (_, status) => (status === 400 ? 'unauthenticated' : null),
    });
    const answer = await google.call({
      method: 'POST',
      path: '',
      form: {
        grant_type: 'refresh_token',
        refresh_token: refreshToken,
        client_id: clientId,
        client_secret: clientSecret,
      },
      purpose: 'give an access token for the refresh token',
      repeatable: true,
    });
    if (typeof answer?.access_token !== 'string')
      throw new ProviderError('not_this_api', 'Google did not give an access token for the refresh token.');
    const lastsMs = Number(answer.expires_in ?? 3600) * 1000;
    return {
      value: answer.access_token,
      endsAtMs: nowMs + Math.max(0, lastsMs - SPARE_MS),
      scopes: String(answer.scope ?? '')
        .split(' ')
        .filter(Boolean),
    };
  }
}
