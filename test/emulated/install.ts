import { installEmulators } from "./support/install-emulators.js";

/** What `npm run test:emulated` installs when it begins, by itself: `.ci/run` has it done while other tests run. */
await installEmulators();
