import { Inject, Injectable } from '@nestjs/common';
import { PROVIDER_NAMES } from '../../core/provider-signatures/providers.js';
import type { InboundHandler } from './inbound-handler.js';

/** By which the array of all handlers is injected. */
export const INBOUND_HANDLERS = Symbol('inbound handlers');

/** The source of events that came with a tenant's key and not from a provider. */
export const TENANT_KEYED = 'api';

const SOURCES: readonly string[] = [TENANT_KEYED, ...PROVIDER_NAMES];
const EVENT_NAME = /^[A-Za-z0-9_./-]{1,128}$/;

/**
 * Which handlers do what. Built when the process starts: a mistake in it ends the start, not an event at night. Features above this
 * one add theirs; an event's handlers work one after the other, in the order in which they were added.
 */
@Injectable()
export class HandlerRegistry {
  private readonly byName = new Map<string, InboundHandler[]>();

  constructor(@Inject(INBOUND_HANDLERS) handlers: InboundHandler[]) {
    for (const handler of handlers) this.add(handler);
  }

  add(handler: InboundHandler): void {
    if (handler.handles.length === 0) throw new Error(`${handler.constructor.name} handles nothing`);
    for (const name of handler.handles) this.addFor(name, handler);
  }

  find(source: string, eventName: string): readonly InboundHandler[] {
    return this.byName.get(`${source}:${eventName}`) ?? [];
  }

  /** `<source>:<event name>`, sorted. */
  get names(): string[] {
    return [...this.byName.keys()].sort();
  }

  private addFor(name: string, handler: InboundHandler): void {
    const [source = '', eventName = ''] = name.split(/:(.*)/s);
    const complaint = (what: string) => new Error(`${handler.constructor.name} handles "${name}": ${what}`);
    if (!SOURCES.includes(source)) throw complaint(`there is no source "${source}", only ${SOURCES.join(', ')}`);
    if (!EVENT_NAME.test(eventName)) throw complaint(`"${eventName}" is no event name`);
    const others = this.byName.get(name) ?? [];
    if (others.some((other) => other.constructor === handler.constructor)) throw complaint('it does already');
    this.byName.set(name, [...others, handler]);
  }
}
