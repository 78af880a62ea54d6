import * as fs from 'node:fs/promises';
import { exists } from '../base/files';
import type { FolderPort } from './ports';

/** The folders of this machine. */
export const realFolders: FolderPort = { exists, realPath: (folder) => fs.realpath(folder) };
