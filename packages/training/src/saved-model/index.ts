export { decodeNotes, notAsSaved, type ModelNotes, type SavedFile } from "./model-notes.js";
export {
  graphFile,
  notesFile,
  readTrainedModel,
  savedKinds,
  savedModelFiles,
  type ModelFile,
  type SavedModel,
} from "./saved-model.js";
