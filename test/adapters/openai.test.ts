import { AzureOpenAI, OpenAI } from 'openai';
import { openaiSuite } from './openai-suite.js';

openaiSuite('openai 6', { OpenAI, AzureOpenAI });
