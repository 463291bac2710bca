import { Injectable } from '@nestjs/common';
import { BackgroundJobService } from '../background-jobs/background-job.service.js';
import { Clock } from '../core/clock.js';
import { invalidField, notFound } from '../core/errors.js';
import { isUuid } from '../core/ids.js';
import { ConsentRecorder, PURPOSES, type Purpose } from './consent-recorder.js';
import type { ContactConsentView } from './contact.dto.js';
import { ContactEraser } from './contact-eraser.js';
import { CrmWriter } from './crm-writer.js';
import type { ChangeOrigin } from './domain-change.js';
import { ErasureStore } from './erasure.store.js';
import type { Erased } from './payload-redactor.js';
import type { ErasureView, SayConsent } from './person-rights.dto.js';

const NOTHING: Erased = { events: 0, cancelledDeliveries: 0, attempts: 0, inboundEvents: 0, others: 0 };
/** A clock that is a little ahead is no lie. */
const FUTURE_MS = 5 * 60_000;

/** What a person may ask of a tenant: to be forgotten, and to be taken at his word. */
@Injectable()
export class PersonRightsService {
  constructor(
    private readonly writer: CrmWriter,
    private readonly eraser: ContactEraser,
    private readonly erasures: ErasureStore,
    private readonly consents: ConsentRecorder,
    private readonly jobs: BackgroundJobService,
    private readonly clock: Clock,
  ) {}

  /** Asked for again it tells how far it is, and goes on where its job had failed or been cancelled. */
  async erase(tenantId: string, origin: ChangeOrigin, contactId: string, askedBy: string): Promise<ErasureView> {
    if (!isUuid(contactId)) throw notFound('contact', contactId);
    const erased = await this.writer.write(tenantId, origin, (write) =>
      this.eraser.erase(write, tenantId, contactId, askedBy),
    );
    if (erased) return this.getErasure(tenantId, contactId);
    const erasure = await this.erasures.findOfContact(tenantId, contactId);
    if (!erasure) throw notFound('contact', contactId);
    const view = await this.getErasure(tenantId, contactId);
    if (view.status !== 'failed' && view.status !== 'cancelled') return view;
    await this.writer.write(tenantId, origin, ({ tx }) => this.eraser.resume(tx, erasure, askedBy));
    return this.getErasure(tenantId, contactId);
  }

  async getErasure(tenantId: string, contactId: string): Promise<ErasureView> {
    const erasure = isUuid(contactId) ? await this.erasures.findOfContact(tenantId, contactId) : null;
    if (!erasure) throw notFound('erasure of a contact', contactId);
    const [job, requests] = await Promise.all([
      this.jobs.get(tenantId, erasure.jobId),
      this.erasures.listRequests(tenantId, erasure.id),
    ]);
    const stopped = job.status === 'failed' || job.status === 'cancelled' ? job.status : 'running';
    return {
      id: erasure.id,
      contactId,
      status: erasure.completedAt ? 'completed' : stopped,
      jobId: job.id,
      done: job.done,
      total: job.total,
      erased: { ...NOTHING, ...(job.result as Partial<Erased> | null) },
      providers: requests.map(({ connectionId, provider, status, attemptCount, error, completedAt }) => ({
        connectionId,
        provider,
        status: status as 'pending' | 'done' | 'failed',
        attempts: attemptCount,
        error,
        completedAt,
      })),
      requestedAt: erasure.requestedAt,
      completedAt: erasure.completedAt,
    };
  }

  async sayConsent(
    tenantId: string,
    origin: ChangeOrigin,
    contactId: string,
    purpose: string,
    said: SayConsent,
  ): Promise<ContactConsentView> {
    if (!isPurpose(purpose))
      throw invalidField('/purpose', `"${purpose}" is not a purpose: give one of ${PURPOSES.join(', ')}.`);
    if (!isUuid(contactId)) throw notFound('contact', contactId);
    const now = this.clock.now();
    const at = said.at === undefined ? null : new Date(said.at);
    if (at && at.getTime() > now.getTime() + FUTURE_MS)
      throw invalidField('/at', `"${said.at}" has not come yet: say when the person said it.`);
    const {
      tenantId: _tenant,
      contactId: _contact,
      ...consent
    } = await this.writer.write(tenantId, origin, (write) =>
      this.consents.record(write, tenantId, contactId, {
        purpose,
        given: said.given,
        source: said.source ?? origin.source,
        at: at ?? write.now,
      }),
    );
    return consent;
  }
}

function isPurpose(value: string): value is Purpose {
  return (PURPOSES as readonly string[]).includes(value);
}
