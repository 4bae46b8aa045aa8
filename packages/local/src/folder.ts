/** What looks at the folder and runs nothing there: an entry of its own, because a `LocalCloud` loads all that trains. */
export { JobLog } from "./job-log.js";
export { FolderObjectStore } from "./store/folder-object-store.js";
export { systemClock, systemTimers, systemUnique } from "./system.js";
