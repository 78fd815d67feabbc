/** Light, dark, or as the system has it; kept between starts. */
export type ThemeChoice = 'system' | 'light' | 'dark';

const key = 'espalier.theme';

class Theme {
  choice = $state<ThemeChoice>(readChoice());
  #systemDark = $state(false);
  /** What is shown now; charts read it to draw themselves again. */
  readonly shown: 'light' | 'dark' = $derived(
    this.choice === 'system' ? (this.#systemDark ? 'dark' : 'light') : this.choice,
  );

  constructor() {
    const query = window.matchMedia('(prefers-color-scheme: dark)');
    this.#systemDark = query.matches;
    query.addEventListener('change', (change) => {
      this.#systemDark = change.matches;
      this.#apply();
    });
    this.#apply();
  }

  set(choice: ThemeChoice): void {
    this.choice = choice;
    localStorage.setItem(key, choice);
    this.#apply();
  }

  toggle(): void {
    this.set(this.shown === 'dark' ? 'light' : 'dark');
  }

  #apply(): void {
    document.documentElement.dataset['theme'] = this.shown;
  }
}

function readChoice(): ThemeChoice {
  const stored = localStorage.getItem(key);
  return stored === 'light' || stored === 'dark' ? stored : 'system';
}

export const theme = new Theme();
