/** Short messages about what was just done, with a way to undo it. They hold nothing that is not elsewhere too. */
export interface Notice {
  readonly id: number;
  readonly text: string;
  readonly action: { readonly label: string; readonly run: () => Promise<void> | void } | null;
}

const shownFor = 20_000;

class Notices {
  list = $state.raw<readonly Notice[]>([]);
  #next = 1;

  show(text: string, action: Notice['action'] = null): void {
    const id = this.#next++;
    this.list = [...this.list, { id, text, action }];
    setTimeout(() => {
      this.dismiss(id);
    }, shownFor);
  }

  dismiss(id: number): void {
    this.list = this.list.filter((notice) => notice.id !== id);
  }
}

export const notices = new Notices();
