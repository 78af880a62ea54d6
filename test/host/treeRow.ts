/** A row of a tree view, as it is rendered. */
export interface TreeRow {
  /** What a screen reader says. */
  readonly label: string;
  /** 1 for the roots. */
  readonly level: number;
  /** Undefined for a row that has no children. */
  readonly isExpanded: boolean | undefined;
  /** Label and description, lines joined with `|`. */
  readonly text: string;
  /** The letters of a file decoration; empty when there is none. */
  readonly decoration: string;
}

/** The part of an element of the page that {@link readRows} uses; the project has no DOM types. */
export interface PageElement {
  readonly innerText: string;
  getAttribute(name: string): string | null;
  querySelector(selector: string): PageElement | null;
}

interface PageGlobals {
  getComputedStyle(element: PageElement, part: string): { readonly content: string };
}

/** Reads rows. Its text is sent to the page, so it may not use anything from outside itself. */
export function readRows(rows: readonly PageElement[]): TreeRow[] {
  return rows.map((row) => {
    const expanded = row.getAttribute('aria-expanded');
    const content = (globalThis as unknown as PageGlobals).getComputedStyle(
      row.querySelector('.monaco-icon-label') ?? row,
      '::after',
    ).content;
    return {
      label: row.getAttribute('aria-label') ?? '',
      level: Number(row.getAttribute('aria-level')),
      isExpanded: expanded === null ? undefined : expanded === 'true',
      text: row.innerText.replace(/\n/g, '|'),
      decoration: content === 'none' ? '' : content.replace(/"/g, ''),
    };
  });
}
