/* What the scripts of the dashboard find in a page: each other, Dash, AG Grid and plotly. */

interface Words {
  [name: string]: string;
}

/* What the scripts offer one another. */
interface Lrwatch {
  clockAhead?: number;
  open(href: string): void;
  togglePause(): void;
  grid: {
    applyFilter(): void;
    applyRows(change: any): void;
    compare(): void;
    duration(seconds: number): string;
    fitWidth(): void;
    moveRow(by: number): void;
    refreshAges(): void;
    restoreSelection(): void;
    restoreSort(): void;
    toggleRow(): void;
  };
  view: {
    cycle(word: string, choices: string[]): void;
    kept(): string[];
    set(changes: Words): Words;
    show(): void;
    showToLive(): void;
    words(): Words;
    zoomed(first: number, last: number): Words;
  };
}

interface Window {
  lrwatch: Lrwatch;
  dash_clientside: { [name: string]: any; set_props(id: string, props: object): void };
  dash_ag_grid: { getApi(id: string): any };
  dashAgGridComponentFunctions: { [name: string]: (props: any) => any };
  dashAgGridFunctions: { [name: string]: (...given: any[]) => any };
  Plotly: { downloadImage(chart: Element, options: object): void };
  React: { createElement(...given: any[]): any };
}

/* Events of these pages come from elements, and which kind an id means is the page's to know. */
interface EventTarget {
  closest?: any;
  close?: any;
  readonly dataset: DOMStringMap;
  id?: any;
  open?: any;
  tagName?: any;
  textContent?: any;
  value?: any;
}

interface Element {
  calcdata?: any;
  click?: any;
  data?: any;
  disabled?: any;
  focus(options?: FocusOptions): void;
  hidden?: any;
  showModal?: any;
  title?: any;
}
