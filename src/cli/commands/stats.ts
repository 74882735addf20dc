import { Command } from 'commander'
import { dataStatistics, type DataStatisticsOptions } from '../../explore/data-statistics.js'
import { progressReport } from '../../report/progress.js'
import { statisticsText } from '../../report/statistics.js'
import { EXIT, fractionOrFolder, given, jsonOption, number, recipeOption, type Streams } from '../command.js'
import { defaults } from './train.js'

type StatsFlags = Omit<DataStatisticsOptions, 'data' | 'signal' | 'onProgress'> & { readonly json?: boolean }

const DESCRIPTION = [
  'Decodes each image of DATA once, and tells how many images of each class there are to train on and to score, their sizes, which files',
  'cannot be read and why, and the mean and standard deviation of the training images.',
].join(' ')

export function statsCommand({ stdout, stderr }: Streams, exit: (code: number) => void): Command {
  return new Command('stats')
    .summary('what is in a folder of images')
    .description(DESCRIPTION)
    .argument('<data>', 'folder of images')
    .addOption(recipeOption())
    .option('--val <fraction|folder>', `validation set (${defaults('val')} of each class)`, fractionOrFolder)
    .option('--seed <n>', `of the split (${defaults('seed')})`, number)
    .option('--size <px>', `notebook recipe: height and width that images are resized to (${defaults('size')})`, number)
    .option('--follow-links', 'follow links that lead out of DATA (notebook: it does)')
    .option('--no-follow-links', 'leave them out')
    .addOption(jsonOption())
    .action(async (data: string, { json = false, ...flags }: StatsFlags) => {
      const report = progressReport(stderr)
      const found = await dataStatistics({ data, ...given(flags), onProgress: (progress) => report({ what: 'images', ...progress }) })
      stdout.write(json ? `${JSON.stringify(found)}\n` : statisticsText(found))
      exit(EXIT.done)
    })
}
