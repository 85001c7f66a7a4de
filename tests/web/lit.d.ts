// What the page takes of Lit, for `tsc`: its own types are in npm's package, which is not vendored.
type Value = unknown;
export const html: (strings: TemplateStringsArray, ...values: Value[]) => Value;
export const svg: typeof html;
export const nothing: symbol;
export function repeat<T>(items: Iterable<T>, key: (item: T) => Value, template: (item: T, index: number) => Value): Value;
export function classMap(classes: Record<string, Value>): Value;
export function ref(to: Value): Value;
export function createRef(): {value: any};
export function keyed(key: Value, value: Value): Value;
export function live(value: Value): Value;
export function ifDefined(value: Value): Value;
export class LitElement extends HTMLElement {
  static properties: Record<string, object>;
  updateComplete: Promise<boolean>;
  requestUpdate(): void;
  render(): Value;
  protected createRenderRoot(): HTMLElement | DocumentFragment;
  connectedCallback(): void;
  disconnectedCallback(): void;
  willUpdate(changed: Map<string, unknown>): void;
  firstUpdated(changed?: Map<string, unknown>): void;
  updated(changed?: Map<string, unknown>): void;
  querySelector(selectors: string): any;
  querySelectorAll(selectors: string): NodeListOf<any>;
  /** Reactive properties, as `static properties` declares them. */
  [property: string]: any;
}
