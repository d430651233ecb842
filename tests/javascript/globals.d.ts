/* What the scripts of the dashboard find in a page: each other, Dash, AG Grid and plotly. */

interface Words {
  [name: string]: string;
}

/* What the scripts offer one another. */
interface Lrwatch {
  clockAhead?: number;
  hooks: { request_pre(request: any): void; callback_resolved(callback: any): void };
  open(href: string): void;
  togglePause(): void;
  find: {
    arrived(): void;
    filterChanged(): void;
    found(now: any): void;
    known(now: any): void;
    refresh(): void;
    rowsChanged(api: any): void;
  };
  grid: {
    applyRows(change: any): void;
    compare(): void;
    duration(seconds: number): string;
    fitWidth(): void;
    isNarrow(): boolean;
    moveRow(by: number): void;
    refreshAges(): void;
    restoreSelection(): void;
    restoreSort(): void;
    selectedRows(): any[];
    toggleRow(): void;
    usualColumns(): string[];
    withGrid(use: (api: any) => void, tries?: number): void;
  };
  tidy: {
    edit(): void;
    show(answer: any): void;
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
  hidden?: any;
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
