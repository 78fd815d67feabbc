/** The time of day as state, moved on every ten seconds, for times shown relative to now. */
class Clock {
  now = $state(Date.now());

  constructor() {
    setInterval(() => {
      this.now = Date.now();
    }, 10_000);
  }
}

export const clock = new Clock();
