import type { ChangeOf, Changes, DomainChange, FullContact } from './domain-change.js';
import type { Tool } from './tool.store.js';

export interface RenderedEvent {
  type: string;
  data: Record<string, unknown>;
}

/** What renderings may ask for beside the change itself; loaded once for all changes of a write, and only when it is asked for. */
export interface RenderingContext {
  /** The contact as it is now, with its tags; null when it is gone. */
  fullContact(id: string): Promise<FullContact | null>;
  tool(id: string): Promise<Tool | null>;
}

/** How one kind of change is told in one vocabulary. */
export interface Rendering<Kind extends DomainChange['kind'] = DomainChange['kind']> {
  kind: Kind;
  /** Every event type it may give: nothing is rendered when nobody subscribes to any of them. */
  types: readonly string[];
  render(change: ChangeOf<Kind>, context: RenderingContext): Promise<RenderedEvent[]> | RenderedEvent[];
}

/** Keeps the kind and its rendering together for the compiler. */
export function rendering<Kind extends DomainChange['kind']>(
  kind: Kind,
  types: readonly string[],
  render: Rendering<Kind>['render'],
): Rendering {
  return { kind, types, render } as unknown as Rendering;
}

/** Changes by the names the CRM guide would give the fields: `contactId` as `contact_id`. */
export function inSnakeCase(changes: Changes): Changes {
  const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.fromEntries(Object.entries(changes).map(([name, values]) => [snake(name), values]));
}
